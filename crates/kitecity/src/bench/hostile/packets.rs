//! MQTT 3.1.1 in bytes: a well-behaved client would not say what is said here.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long the broker may take to answer, or to read.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a client that does not read lets the system keep for it \[bytes\].
const DEAF_BUFFER: u32 = 4_096;

/// Who a client says it is.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) client_id: String,
    pub(super) username: String,
    pub(super) password: String,
}

/// A connection to the broker.
pub(super) struct Peer(TcpStream);

impl Peer {
    /// A connection on which nothing is said yet.
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        within(TcpStream::connect(address)).await.map(Self)
    }

    /// The same, of one that takes in as little as it can.
    pub(super) async fn connect_deaf(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(DEAF_BUFFER)?;
        within(socket.connect(address)).await.map(Self)
    }

    /// Logs in, with a will on this topic if there is one. Tells whether it is let in.
    pub(super) async fn log_in(&mut self, login: &Login, will: Option<&str>) -> io::Result<bool> {
        self.say(&connect_packet(login, will)).await?;
        // MQTT 3.1.1, 3.2: the last of four bytes is the return code.
        let [.., code] = self.hear::<4>().await?;
        Ok(code == 0)
    }

    /// Subscribes to one filter. Tells whether that is granted.
    pub(super) async fn subscribe(&mut self, id: u16, filter: &str) -> io::Result<bool> {
        let mut body = id.to_be_bytes().to_vec();
        push_text(&mut body, filter);
        body.push(0);
        self.say(&packet(0x82, &body)).await?;
        // MQTT 3.1.1, 3.9.3: 0x80 = failure.
        let [.., code] = self.hear::<5>().await?;
        Ok(code < 0x80)
    }

    /// Publishes at QoS 0: whether it is taken, the broker does not say.
    pub(super) async fn publish(&mut self, topic: &str, payload: &[u8], retain: bool) -> io::Result<()> {
        let mut body = Vec::with_capacity(2 + topic.len() + payload.len());
        push_text(&mut body, topic);
        body.extend(payload);
        self.say(&packet(0x30 | u8::from(retain), &body)).await
    }

    /// Waits until the broker has read all that was said before.
    pub(super) async fn ping(&mut self) -> io::Result<()> {
        self.say(&[0xc0, 0]).await?;
        self.hear::<2>().await.map(|_| ())
    }

    pub(super) async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        within(self.0.write_all(bytes)).await
    }

    async fn hear<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        within(self.0.read_exact(&mut bytes)).await?;
        Ok(bytes)
    }

    /// Waits until the broker ends the connection. Tells whether it does within `limit`.
    pub(super) async fn is_ended_within(&mut self, limit: Duration) -> bool {
        let mut rest = [0; 1_024];
        let ended = async { while matches!(self.0.read(&mut rest).await, Ok(1..)) {} };
        timeout(limit, ended).await.is_ok()
    }
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// MQTT 3.1.1, 3.1: a clean session with user name and password, keep-alive 60 s.
pub(super) fn connect_packet(login: &Login, will: Option<&str>) -> Vec<u8> {
    let flags = 0xc2 | if will.is_some() { 0x04 } else { 0 };
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, flags, 0, 60];
    push_text(&mut body, &login.client_id);
    if let Some(topic) = will {
        push_text(&mut body, topic);
        push_text(&mut body, "gone");
    }
    push_text(&mut body, &login.username);
    push_text(&mut body, &login.password);
    packet(0x10, &body)
}

fn push_text(body: &mut Vec<u8>, text: &str) {
    body.extend((text.len() as u16).to_be_bytes());
    body.extend(text.as_bytes());
}

/// MQTT 3.1.1, 2.2.3: seven bits of the length in each byte, the lowest first.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let (mut bytes, mut left) = (vec![first], body.len());
    loop {
        let more = left > 0x7f;
        bytes.push((left & 0x7f) as u8 | if more { 0x80 } else { 0 });
        left >>= 7;
        if !more {
            break;
        }
    }
    bytes.extend(body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_over_127_takes_two_bytes() {
        assert_eq!(packet(0x30, &[7; 127])[..3], [0x30, 127, 7]);
        // The example of MQTT 3.1.1, 2.2.3: 321 = 65 + 2 × 128.
        assert_eq!(packet(0x30, &[7; 321])[..4], [0x30, 0xc1, 2, 7]);
    }

    #[test]
    fn a_will_stands_between_client_id_and_user_name() {
        let login = Login { client_id: "c".into(), username: "u".into(), password: "p".into() };
        let body = b"\0\x04MQTT\x04\xc6\0\x3c\0\x01c\0\x01w\0\x04gone\0\x01u\0\x01p";
        assert_eq!(connect_packet(&login, Some("w"))[2..], body[..]);
    }
}
