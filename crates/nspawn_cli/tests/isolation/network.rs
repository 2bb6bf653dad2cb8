//! I-11: a container has a loopback of its own and nothing else.

use std::net::{TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use serde_json::json;

use crate::case::{Case, rows};
use crate::probe::{ECONNREFUSED, ENOENT, Probe, assert_all, results};

rows!(i11_only_its_own_loopback, i11_no_service_of_the_host, i11_no_abstract_socket_of_the_host);

fn i11_only_its_own_loopback(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let ran = probe.run(json!({}), &["network"]);
    let interfaces: Vec<String> = ran
        .told("interface")
        .iter()
        .filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()))
        .collect();
    assert_eq!(interfaces, ["lo"]);
    assert_eq!((results(&ran, "bound")[0].0, results(&ran, "loopback")[0].0), (0, 0), "{ran:?}");
}

fn i11_no_service_of_the_host(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    TcpStream::connect(address).unwrap();
    let ran = probe.run(json!({}), &["connect", &address.port().to_string()]);
    assert_all(&ran, "connect", 1, &[ECONNREFUSED]);
}

fn i11_no_abstract_socket_of_the_host(case: Case) {
    let Some(probe) = Probe::ready(case, &[]) else { return };
    let socket = format!("nspawn_test_{}_{:?}_{:?}", std::process::id(), case.target, case.who);
    let address = SocketAddr::from_abstract_name(&socket).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    UnixStream::connect_addr(&address).unwrap();
    let ran = probe.run(json!({}), &["abstract", &socket]);
    assert_all(&ran, "abstract", 1, &[ECONNREFUSED]);
    // Nor is one in a directory.
    let path = probe.place.at("socket");
    let _other = UnixListener::bind(&path).unwrap();
    let ran = probe.run(json!({}), &["read", path.to_str().unwrap()]);
    assert_all(&ran, "read", 1, &[ENOENT]);
}

#[test]
fn i11_no_service_of_the_host_by_windows_functions() {
    let name = "network::i11_no_service_of_the_host_by_windows_functions";
    let Some(probe) = Probe::of_windows(name, &[]) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ran = probe.run(json!({}), &["connect", &port.to_string()]);
    // WSAECONNREFUSED of winsock2.h.
    assert_all(&ran, "connect", 1, &[10_061]);
}
