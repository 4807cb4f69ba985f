//! Round trips to a socket that sends back what it gets.
#![allow(clippy::print_stdout, reason = "a program that prints its result")]

use std::net::UdpSocket;
use std::thread;
use std::time::Duration;
use udpkit::Ping;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let echo = UdpSocket::bind("127.0.0.1:0")?;
    let target = echo.local_addr()?.to_string();
    thread::spawn(move || {
        let mut payload = [0; 2_048];
        while let Ok((length, from)) = echo.recv_from(&mut payload) {
            let _ = echo.send_to(&payload[..length], from);
        }
    });
    let summary = Ping::to(target).echo().interval(Duration::from_millis(10)).count(50).run()?;
    println!("{}", serde_json::to_string_pretty(&summary)?);
    Ok(())
}
