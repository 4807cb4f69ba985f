//! A server's users for tests: a key that guards nothing, and two users.

use super::token_text;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{PrivateKey, PublicKey};
use sha1::Sha1;
use std::sync::LazyLock;

/// When the tests' tokens are made, in seconds since 1970.
pub const NOW: u64 = 1_700_000_000;
/// The users, and the SHA-256 of `{mario}rossi` and `{anna}a b`.
pub const LIST: &str = "# users
mario,bf7a49a846d44b454a5d11e7acfaf13d138bbe0b7483aa3e050879700572709b

anna, 1440de66997e470bb9f8e76f057e09817512c676183fdda3919674503901850a
";
/// A key of 1,024 bits, in PEM form.
pub static KEY: LazyLock<String> = LazyLock::new(|| {
    let [begin, end] = ["BEGIN", "END"].map(|word| format!("-----{word} PRIVATE KEY-----\n"));
    format!("{begin}{DER}{end}")
});
const DER: &str = "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBALd+M7aQZ0zGfs+R
TGjnzDWKuuxQPv4s4/To84T3pApiH7E2jYmSkzzuegMTw6qST66vO3pfn2851fEa
ll7NI+wM0IgZl20MND5fiOVXRFyuuhR0LDgDL/GusV23mjOUIXJoTiRGaRdBI4GW
NhPSE94SeyZ1Nw0pB2spAxBjJmOjAgMBAAECgYEAlqMKfTPrOgIylOCpo+23nbT4
Y4w1SqE7uxGK6XwLtWJ8thUc+PXV3k3A6MnO9jcLJ1NANuRNlRgb5MV48PbkJz3h
QgMfuYwnds6HDwQ4Xoheb9KuLNP+PeiTNio3PWWGcgxsgAEsxa50lnffRGLPIsSv
6kIHcDbSRHbK8cQFvWECQQDsbXqu/H2MpVh98bkMiLDIODt2VHaAgbkuq/D3W3IN
S5oxk6XYxbE8JqK4w88GWrFhML12l88WrWvz6bNPso7bAkEAxq7l/27crOr+LTLh
0fkkyI34d2eso+gZihf83DKTrFSiHlq88WEYBuY3mmBPYxyy5x8dmy1oDBP1tHzz
JQWk2QJATDhfPNqZfyYvCStMhQXsOCAoy1Uffv5TPQChhp0sf6zH4QPAi8nwAXxT
KU23CE1ksfiMnBcE5EK0csX80My30QJAaIGGqRz/JlVU7SFedru+BV/n2abGwFBN
Xr3PW2OfGX5K5/yCddTEdpyRkromB9QIpllPkVgI6pF1JEK1Ajw9wQJBAOtGa92h
/IXiSB9VdISx8kffzrhBugRR0R3o2+kbm/HQo8CDrnvIOUEJT6SHR7DEjvdVgxAW
N1VVk8KnGMBBwLU=\n";

/// What clients encrypt with.
pub fn public_key() -> PublicKey {
    PrivateKey::from_pkcs8_pem(&KEY).unwrap().to_public_key()
}

/// The token that a client since 3.17 makes.
pub fn sealed(user: &str, password: &str, seconds: u64) -> String {
    let text = token_text(user, password, seconds);
    BASE64_STANDARD.encode(public_key().oaep_encrypt::<Sha1>(text.as_bytes()).unwrap())
}
