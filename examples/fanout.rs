//! One message to several receivers, which are sockets of this process.
#![allow(clippy::print_stdout, reason = "a program that prints its result")]

use std::net::UdpSocket;
use std::time::Duration;
use udpkit::Fanout;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let receivers = [UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?];
    let [first, second] = [receivers[0].local_addr()?, receivers[1].local_addr()?];
    let sent = Fanout::to(first.to_string())
        .and_to(second.to_string())
        .message("hello")
        .without_header()
        .run()?;
    println!("{}", serde_json::to_string_pretty(&sent)?);
    for receiver in &receivers {
        receiver.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut payload = [0; 64];
        let length = receiver.recv(&mut payload)?;
        println!("{}", String::from_utf8_lossy(&payload[..length]));
    }
    Ok(())
}
