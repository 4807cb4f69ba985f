//! The server of iperf3 clients: their control connections, and what opens their streams.
//!
//! iperf3 runs one test at a time. Here several run at once: a datagram that opens a stream belongs
//! to the test whose control connection comes from the same address and whose streams are being
//! opened, of which there is one at a time. A second one from that address waits for its turn.
//!
//! ```text
//!  client              server            file
//!  cookie       ->                       control.rs
//!               <-  9                    control.rs
//!  parameters   ->                       admission.rs: what is granted, or why not
//!               <- 10                    control.rs
//!  greeting  (UDP)->                     streams.rs: the stream gets its own socket
//!               <-  reply (UDP)          (session::blast::GreetingReply)
//!               <-  1, 2                 streams.rs
//!  data       <-(UDP)->                  (session::blast)
//!  4            ->                       control.rs
//!               <- 13                    control.rs
//!  results      ->                       ending.rs: how many datagrams the client sent
//!               <-  results, 14          ending.rs: what is missing of those, the tail included
//!  16           ->                       control.rs
//! ```
//!
//! The client's results have its own count of every stream, so that what was lost at the very end,
//! or a stream of which nothing arrived, is in the results that this end sends.

mod admission;
mod client;
mod control;
mod ending;
mod streams;

#[cfg(test)]
mod service_tests;
#[cfg(test)]
mod simulated_client;
#[cfg(test)]
mod tests;

pub use control::Iperf3Server;
