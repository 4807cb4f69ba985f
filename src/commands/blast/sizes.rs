//! The sizes of a run's datagrams: one, or a mix by `--size` or `--genome`.

use super::error::BlastUsage;
use crate::cli::BlastArgs;
use crate::pace::{MOST_SIZE_CLASSES, SizeMix, SizeRun, SizeSequence};
use crate::record::{AskedSizes, SizesAsked};
use crate::units::{GenomeSize, IMIX, IpFamily, Nanos, Rate, SizeChoice, max_payload};
use crate::wire::Header;
use std::net::SocketAddr;

/// Bytes of an Ethernet frame beside the IP packet: header and check sequence.
const FRAME: u64 = 18;
/// Most datagrams of a cycle whose order is free: a GSO buffer holds as many of one size.
const FREE_CYCLE: u64 = 128;
/// A cycle whose order is free is no longer than this, or else as short as its weights allow.
const FREE_TIME: Nanos = Nanos::from_millis(1);
const LEAST: u64 = Header::LEN as u64;

/// A mix that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedMix {
    /// As it is sent.
    pub mix: SizeMix,
    /// As the user wrote it.
    text: AskedSizes,
    /// The smallest IP packet that was asked for, and as which it is sent, where the header does not
    /// fit in it.
    enlarged: Option<(u64, u64)>,
}

impl AskedMix {
    /// The mix that the arguments ask for; `None` for one size.
    pub fn of(
        args: &BlastArgs,
        target: SocketAddr,
        (mtu, streams): (u32, u32),
    ) -> Result<Option<Self>, BlastUsage> {
        let family = IpFamily::of(target);
        let room = Room { target, most: max_payload(family) as u64 };
        let asked = match (&args.size, &args.genome) {
            (_, Some(genome)) => {
                let headers = family.headers() as u64;
                let packet = |size: GenomeSize| match size {
                    GenomeSize::Frame(bytes) => bytes.saturating_sub(FRAME),
                    GenomeSize::Mtu(bytes) => bytes.unwrap_or_else(|| u64::from(mtu)),
                };
                let sizes = genome.runs().iter().map(|(size, count)| (packet(*size), *count));
                let (runs, enlarged) = at_ip(sizes, headers);
                let mix = room.ordered(&runs)?;
                Self { mix, text: AskedSizes::Genome(genome.clone()), enlarged }
            }
            (Some(choice @ SizeChoice::Imix), None) => {
                let (parts, enlarged) = at_ip(IMIX.into_iter(), family.headers() as u64);
                let mix = room.ordered(&free_order(&parts, args.rate(), streams))?;
                Self { mix, text: AskedSizes::Size(choice.clone()), enlarged }
            }
            (Some(choice @ SizeChoice::Weights(parts)), None) => {
                let mix = room.ordered(&free_order(parts, args.rate(), streams))?;
                Self { mix, text: AskedSizes::Size(choice.clone()), enlarged: None }
            }
            (Some(choice @ SizeChoice::Range(from, to)), None) => {
                let (least, most) = (room.fitting(*from)?, room.fitting(*to)?);
                let mix = SizeMix::drawn(least, most).ok_or(BlastUsage::NothingToSend)?;
                Self { mix, text: AskedSizes::Size(choice.clone()), enlarged: None }
            }
            (Some(SizeChoice::One(_)) | None, None) => return Ok(None),
        };
        if args.iperf3 {
            return Err(BlastUsage::MixToIperf3 { text: asked.text() });
        }
        Ok(Some(asked))
    }

    /// As the user wrote it.
    pub fn text(&self) -> String {
        self.text.to_string()
    }

    /// The mix as a record.
    pub fn record(&self) -> SizesAsked {
        let (cycle_datagrams, cycle_bytes) = SizeSequence::new(&self.mix).cycle();
        SizesAsked {
            asked: self.text.clone(),
            sequence: self.mix,
            cycle_datagrams,
            cycle_bytes,
            enlarged_from_ip_bytes: self.enlarged.map(|(from, _)| from),
            enlarged_to_ip_bytes: self.enlarged.map(|(_, to)| to),
        }
    }

    /// How many datagrams of one stream have so many payload bytes.
    pub fn datagrams_of(&self, bytes: u64) -> u64 {
        SizeSequence::new(&self.mix).numbers_within(0, bytes)
    }
}

/// Payload sizes, and how many of each.
type Parts = Vec<(u64, u64)>;

/// Payload sizes of packets at IP; those that the header does not fit in are larger.
fn at_ip(packets: impl Iterator<Item = (u64, u64)>, headers: u64) -> (Parts, Option<(u64, u64)>) {
    let mut enlarged: Option<(u64, u64)> = None;
    let sizes = packets.map(|(packet, count)| {
        let payload = packet.saturating_sub(headers);
        if payload < LEAST {
            let smallest = enlarged.map_or(packet, |(before, _)| before.min(packet));
            enlarged = Some((smallest, LEAST + headers));
        }
        (payload.max(LEAST), count)
    });
    (sizes.collect(), enlarged)
}

/// So many of each size, in runs as long as a short cycle allows: each can leave as one GSO buffer.
fn free_order(parts: &[(u64, u64)], rate: Rate, streams: u32) -> Vec<(u64, u64)> {
    let divisor = parts.iter().fold(0, |divisor, (_, weight)| gcd(divisor, *weight)).max(1);
    let total: u64 = parts.iter().map(|(_, weight)| weight / divisor).sum();
    let bytes: u64 = parts.iter().map(|(size, weight)| size.saturating_mul(weight / divisor)).sum();
    let within_time = match rate.ratio_for(bytes.div_ceil(total.max(1))) {
        Some((datagrams, span)) => {
            let cycle = u128::from(span.0) * u128::from(total) * u128::from(streams.max(1));
            let cycle = (cycle / u128::from(datagrams.max(1))).max(1);
            u64::try_from(u128::from(FREE_TIME.0) / cycle).unwrap_or(u64::MAX)
        }
        None => u64::MAX,
    };
    let times = (FREE_CYCLE / total.max(1)).min(within_time).max(1);
    let each = parts.iter().map(|(size, weight)| (*size, weight / divisor * times));
    let mut runs: Vec<(u64, u64)> = each.collect();
    // A GSO buffer may end with a smaller datagram.
    runs.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    runs
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// What fits in a datagram to a target.
struct Room {
    target: SocketAddr,
    most: u64,
}

impl Room {
    /// The size, if a datagram can have it.
    fn fitting(&self, size: u64) -> Result<u16, BlastUsage> {
        let (least, most, target) = (LEAST, self.most, self.target.into());
        if size > most {
            return Err(BlastUsage::SizeTooLarge { size, target, least, most });
        }
        u16::try_from(size).ok().filter(|_| size >= least).ok_or(BlastUsage::SizeTooSmall {
            size,
            least,
            most,
        })
    }

    /// These runs in this order.
    fn ordered(&self, runs: &[(u64, u64)]) -> Result<SizeMix, BlastUsage> {
        let run = |(size, count): &(u64, u64)| {
            let count = u16::try_from(*count).unwrap_or(u16::MAX);
            Ok(SizeRun { size: self.fitting(*size)?, count })
        };
        let runs: Vec<SizeRun> = runs.iter().map(run).collect::<Result<_, BlastUsage>>()?;
        SizeMix::of_runs(&runs).ok_or(BlastUsage::TooManySizes { most: MOST_SIZE_CLASSES })
    }
}

#[cfg(test)]
mod tests {
    use super::super::parsed;
    use super::*;

    fn asked(words: &str, target: &str) -> Result<Option<AskedMix>, String> {
        let mix = AskedMix::of(&parsed(words), target.parse().unwrap(), (1_500, 1));
        mix.map_err(|error| error.to_string())
    }

    fn sequence(words: &str, target: &str) -> (String, Option<u64>) {
        let record = asked(words, target).unwrap().unwrap().record();
        (record.sequence.to_string(), record.enlarged_to_ip_bytes)
    }

    const V4: &str = "192.0.2.1:9";
    const V6: &str = "[2001:db8::1]:9";

    #[test]
    fn imix_is_packets_at_ip_and_the_smallest_carries_the_header() {
        assert_eq!(sequence("--size imix", V4), ("1472x10,548x40,16x70".to_owned(), Some(44)));
        assert_eq!(sequence("--size imix", V6), ("1452x10,528x40,16x70".to_owned(), Some(64)));
        // At a low rate, a cycle is short.
        assert_eq!(sequence("--size imix --rate 1M", V4).0, "1472x1,548x4,16x7");
        assert_eq!(sequence("--size imix --rate 100M", V4).0, "1472x3,548x12,16x21");
    }

    #[test]
    fn weights_are_a_mix_of_payloads_and_a_range_is_drawn() {
        assert_eq!(sequence("--size 64:14,570:8,1472:2 -b 1M", V4).0, "1472x1,570x4,64x7");
        assert_eq!(sequence("--size 64..1472", V4), ("64..1472".to_owned(), None));
        assert_eq!(asked("--size 1472", V4), Ok(None));
        assert_eq!(asked("", V4), Ok(None));
    }

    #[test]
    fn a_genome_keeps_its_order_and_its_letters_are_ethernet_frames() {
        assert_eq!(sequence("--genome a4b2c", V4), ("18x4,82x2,210x1".to_owned(), None));
        assert_eq!(sequence("--genome za,z=9000", V4).0, "8972x1,18x1");
        assert_eq!(sequence("--genome za", V4).0, "1472x1,18x1");
        assert_eq!(sequence("--genome a", V6), ("16x1".to_owned(), Some(64)));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_name() {
        for (words, part) in [
            ("--size 8:1,64:1", "--size 8 leaves no room for the measurement header"),
            ("--size 8..64", "--size 8 leaves no room"),
            ("--size 64..70000", "--size 70000 is too large"),
            ("--iperf3 h --size imix", "imix: iperf3 sends datagrams of one size"),
            ("--iperf3 h --genome ab", "ab: iperf3 sends datagrams of one size"),
        ] {
            let told = asked(words, V4).unwrap_err();
            assert!(told.contains(part), "{words}: {told}");
        }
        let many = (100..117).map(|size| format!("{size}:1")).collect::<Vec<_>>().join(",");
        let told = asked(&format!("--size {many}"), V4).unwrap_err();
        assert!(told.contains("16 at most"), "{told}");
    }
}
