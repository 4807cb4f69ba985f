//! What the library tells a service manager: each message, and where it finds the manager.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;
use udpkit::engine::{NoServiceManager, ServiceManager};
use udpkit::units::Nanos;

/// What arrived, in order.
fn read(socket: &UnixDatagram, count: usize) -> Vec<String> {
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let mut bytes = [0; 256];
    let mut next = || loop {
        match socket.recv(&mut bytes) {
            // A process that is suspended meanwhile is interrupted.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            length => {
                let read = &bytes[..length.expect("a message")];
                break String::from_utf8_lossy(read).into_owned();
            }
        }
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn a_manager_is_told_at_a_path_and_at_an_abstract_address() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let name = format!("udpkit-test-{}", std::process::id());
    let at_name = SocketAddr::from_abstract_name(&name).unwrap();
    for (socket, address) in [
        (UnixDatagram::bind(&path).unwrap(), path.into_os_string()),
        (UnixDatagram::bind_addr(&at_name).unwrap(), format!("@{name}").into()),
    ] {
        let manager = ServiceManager::connect(&address, None).unwrap();
        assert!(manager.is_there());
        manager.ready();
        manager.reloading(Nanos::from_millis(7));
        manager.stopping();
        let told = read(&socket, 3);
        assert_eq!(told, ["READY=1", "RELOADING=1\nMONOTONIC_USEC=7000", "STOPPING=1"]);
    }
}

#[test]
fn a_watching_manager_hears_twice_in_its_time() {
    let name = format!("udpkit-watch-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let watchdog = Some(Nanos::from_secs(2));
    let mut manager = ServiceManager::connect(format!("@{name}").as_ref(), watchdog).unwrap();
    (0..100).for_each(|tick| manager.alive(Nanos::from_millis(10_000 + 50 * tick)));
    manager.stopping();
    assert_eq!(read(&socket, 6), [&["WATCHDOG=1"; 5][..], &["STOPPING=1"]].concat());
}

#[test]
fn an_address_that_is_none_is_named() {
    let errno = |address: &str| ServiceManager::connect(address.as_ref(), None).unwrap_err();
    assert_eq!(errno("notify"), NoServiceManager { socket: "notify".into(), errno: None });
    assert_eq!(errno("/no/such/socket").errno, Some(2));
    // Nobody told it anything.
    let mut none = ServiceManager::default();
    none.ready();
    none.alive(Nanos::from_secs(1));
    assert!(!none.is_there());
}
