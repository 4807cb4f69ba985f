use super::*;
#[test]
fn print_all() {
    for service in Service::ALL {
        let port = (1..=u16::MAX).find(|p| Service::of_port(*p) == service).unwrap();
        let mut ask = Ask { local: Some("192.0.2.1:5000".parse().unwrap()), ..Ask::new(7, ([192, 0, 2, 9], port).into()) };
        for attempt in 0..3 {
            ask.attempt = attempt;
            println!("{service} {attempt} {port} {}", crate::wire::to_hex(&service.question(&ask)));
        }
    }
    let ask = Ask::new(7, ([192, 0, 2, 9], 4500).into());
    println!("IKE4500 0 4500 {}", crate::wire::to_hex(&Service::Ike.question(&ask)));
    println!("secret {}", crate::wire::to_hex(&ask.secret::<320>()));
}
