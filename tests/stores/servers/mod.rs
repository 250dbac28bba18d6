//! Servers on this machine that fail on command. Each runs on a thread of its own, answers on
//! 127.0.0.1 until it is dropped, and keeps a log of what it was asked.

mod backend;
pub mod client;
pub mod credentials;
pub mod faults;
pub mod front;
pub mod http;
pub mod s3;
