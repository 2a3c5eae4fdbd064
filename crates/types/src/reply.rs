/// Where the answer to a request goes. Opaque: a core keeps it and hands it back with the answer.
///
/// Two requests with equal addresses are one request that was delivered twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyTo {
    /// The caller's place below `rsp/`: its client id, and whatever it likes after that.
    pub path: Box<str>,
    /// What the answer repeats, for the caller to match it to the request. At most 64 bytes.
    pub correlation: Box<[u8]>,
}
