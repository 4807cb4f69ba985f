//! Address attributes, plain and combined by XOR with the cookie (RFC 8489 §14.1, §14.2).

use super::{AttributeKind, MAGIC_COOKIE, StunWriter, TransactionId};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const V4: u8 = 1;
const V6: u8 = 2;

/// Decodes an address attribute's value; `None` if it is invalid.
pub fn address(
    kind: AttributeKind,
    value: &[u8],
    transaction: TransactionId,
) -> Option<SocketAddr> {
    let [_, family, port_high, port_low, ip @ ..] = value else { return None };
    let mask = mask(kind, transaction);
    let port = u16::from_be_bytes([port_high ^ mask[0], port_low ^ mask[1]]);
    let ip: IpAddr = match *family {
        V4 => Ipv4Addr::from(combined(ip.try_into().ok()?, &mask)).into(),
        V6 => Ipv6Addr::from(combined(ip.try_into().ok()?, &mask)).into(),
        _ => return None,
    };
    Some((ip, port).into())
}

/// Appends an address attribute. The scope of a link-local address is not included.
pub fn push_address(writer: &mut StunWriter<'_>, kind: AttributeKind, address: SocketAddr) {
    let mask = mask(kind, writer.transaction());
    let port = address.port().to_be_bytes();
    let port = [port[0] ^ mask[0], port[1] ^ mask[1]];
    match address.ip() {
        IpAddr::V4(ip) => {
            let ip = combined(ip.octets(), &mask);
            writer.push(kind, &[&[0, V4], &port[..], &ip].concat());
        }
        IpAddr::V6(ip) => {
            let ip = combined(ip.octets(), &mask);
            writer.push(kind, &[&[0, V6], &port[..], &ip].concat());
        }
    }
}

/// The XOR mask of an address: cookie and transaction ID, or zeros for a plain attribute.
fn mask(kind: AttributeKind, transaction: TransactionId) -> [u8; 16] {
    let mut mask = [0; 16];
    if kind == AttributeKind::XorMappedAddress {
        mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
        mask[4..].copy_from_slice(&transaction.0);
    }
    mask
}

fn combined<const N: usize>(mut ip: [u8; N], mask: &[u8; 16]) -> [u8; N] {
    ip.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    ip
}

#[cfg(test)]
mod tests {
    use super::super::{StunClass, StunMessage};
    use super::*;

    #[test]
    fn an_address_survives_either_form_and_only_one_shows_it() {
        let transaction = TransactionId(*b"twelve bytes");
        for text in ["192.0.2.1:32853", "[2001:db8:1234:5678:11:2233:4455:6677]:1", "0.0.0.0:0"] {
            let expected: SocketAddr = text.parse().unwrap();
            let mut bytes = Vec::new();
            let mut writer = StunWriter::begin(&mut bytes, StunClass::Success, transaction);
            for kind in [AttributeKind::MappedAddress, AttributeKind::XorMappedAddress] {
                push_address(&mut writer, kind, expected);
            }
            writer.finish();
            let message = StunMessage::decode(&bytes).unwrap();
            let values: Vec<_> = message.attributes().collect();
            assert_ne!(values[0].value, values[1].value);
            for attribute in values {
                let read = address(attribute.kind, attribute.value, transaction);
                assert_eq!(read, Some(expected));
            }
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        let kind = AttributeKind::MappedAddress;
        let read = |value: &[u8]| address(kind, value, TransactionId::default());
        assert!(read(&[0, 1, 0, 9, 192, 0, 2, 1]).is_some());
        assert_eq!(read(&[0, 1, 0, 9, 192, 0, 2]), None);
        assert_eq!(read(&[0, 2, 0, 9, 192, 0, 2, 1]), None);
        assert_eq!(read(&[0, 3, 0, 9, 192, 0, 2, 1]), None);
        assert_eq!(read(&[0, 1, 0]), None);
    }
}
