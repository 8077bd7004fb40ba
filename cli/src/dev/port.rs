//! The port, or the next one where it is taken.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use tokio::net::TcpListener;

use super::DevError;
use crate::confirm::offer;

/// Listens on `port` of this machine. Where that is taken, the next free one is offered on the terminal.
pub(super) async fn listen(port: u16) -> Result<TcpListener, DevError> {
    match bind(port).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let Some((next, listener)) = next_free(port).await else { return Err(DevError::Listen { port, source: error }) };
            let agreed = offer(&format!("Port {port} is taken. Use {next} instead?"));
            if agreed { Ok(listener) } else { Err(DevError::PortTaken { port, next }) }
        }
        Err(source) => Err(DevError::Listen { port, source }),
    }
}

async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await
}

/// Held at once, so that nobody else takes it while somebody thinks about the offer.
async fn next_free(port: u16) -> Option<(u16, TcpListener)> {
    for next in port.checked_add(1)?..=u16::MAX {
        if let Ok(listener) = bind(next).await {
            return Some((next, listener));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_next_free_one() {
        let taken = bind(0).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        // Without a terminal nobody is asked.
        let error = listen(port).await.unwrap_err();
        let DevError::PortTaken { next, .. } = error else { panic!("{error}") };
        assert!(next > port);
        assert!(error.to_string().contains(&format!("port {port} is taken")) && error.to_string().contains(&format!("--port {next}")));
    }
}
