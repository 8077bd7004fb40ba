//! The port, or the next one where it is taken.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
};

use tokio::net::TcpListener;

use super::DevError;
use crate::confirm::offer;

/// Listens on `port` of the address `host`. Where that is taken, the next free one is offered on the terminal.
pub(super) async fn listen(host: IpAddr, port: u16) -> Result<TcpListener, DevError> {
    let address = SocketAddr::from((host, port));
    match bind(host, port).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let Some((next, listener)) = next_free(host, port).await else { return Err(DevError::Listen { address, source: error }) };
            let agreed = offer(&format!("Port {port} is taken. Use {next} instead?"));
            if agreed { Ok(listener) } else { Err(DevError::PortTaken { port, next }) }
        }
        Err(source) => Err(DevError::Listen { address, source }),
    }
}

async fn bind(host: IpAddr, port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((host, port))).await
}

/// Bound at once, so that no other program takes it while the user decides.
async fn next_free(host: IpAddr, port: u16) -> Option<(u16, TcpListener)> {
    for next in port.checked_add(1)?..=u16::MAX {
        if let Ok(listener) = bind(host, next).await {
            return Some((next, listener));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// An address of the documentation, which no machine has.
    #[tokio::test]
    async fn an_address_of_another_machine_is_named() {
        let error = listen("192.0.2.1".parse().unwrap(), 0).await.unwrap_err().to_string();
        assert!(error.contains("192.0.2.1:0") && error.contains("--host"), "{error}");
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_next_free_one() {
        let taken = bind(HERE, 0).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        // Without a terminal there is no prompt.
        let error = listen(HERE, port).await.unwrap_err();
        let DevError::PortTaken { next, .. } = error else { panic!("{error}") };
        assert!(next > port);
        assert!(error.to_string().contains(&format!("port {port} is taken")) && error.to_string().contains(&format!("--port {next}")));
    }
}
