//! What is known in words: the verdict, its evidence, what else it could be, what to doubt.

use super::NatSession;
use super::ask::About;
use super::judge::Found;
use crate::record::probe::{Dependence, Hairpin, PortChoice, Verdict};
use crate::wire::stun::ChangeRequest;

const BOTH: ChangeRequest = ChangeRequest { address: true, port: true };
const ADDRESS: ChangeRequest = ChangeRequest { address: true, port: false };

impl Found {
    /// The verdict with what it rests on.
    pub fn verdict(&self, session: &NatSession) -> Verdict {
        let Some(nat) = self.nat else { return nobody(session) };
        let words = |found: Option<Dependence>| found.map_or("not known", Dependence::words);
        let mut verdict = Verdict::new(if nat {
            let ports = match self.ports {
                Some(PortChoice::Kept) => "keeps ports",
                Some(PortChoice::KeptForSome) => "keeps some ports",
                Some(PortChoice::Sequential) => "gives ports in a row",
                Some(PortChoice::Random) => "gives ports at random",
                Some(PortChoice::Changed) | None => "gives other ports",
            };
            let (mapping, filtering) = (words(self.mapping), words(self.filtering));
            format!("behind a NAT that {ports}: mapping {mapping}, filtering {filtering}")
        } else {
            let filtering = match self.filtering {
                Some(Dependence::EndpointIndependent) => {
                    "; what others send to an open port comes in".to_owned()
                }
                Some(found) => format!("; a firewall filters, {}", found.words()),
                None => "; whether a firewall filters is not known".to_owned(),
            };
            format!("no NAT: the far end sees this host's own addresses and ports{filtering}")
        });
        self.add_evidence(session, &mut verdict);
        self.add_doubts(session, &mut verdict);
        verdict
    }

    fn add_evidence(&self, session: &NatSession, verdict: &mut Verdict) {
        let sockets = session.plan.locals.len();
        let known = (0..sockets).filter_map(|index| session.seen_by_server(index));
        let kept = session
            .plan
            .locals
            .iter()
            .zip((0..sockets).map(|index| session.seen_by_server(index)))
            .filter(|(local, seen)| seen.is_some_and(|seen| seen.port() == local.port()))
            .count();
        let known = known.count();
        if let Some(seen) = self.seen {
            let local = self.local;
            verdict.evidence.push(format!(
                "{local} is seen as {seen}; of {known} sockets {kept} kept their port"
            ));
        }
        let control = session.asks.iter().find(|ask| ask.about == About::Control);
        for ask in session.asks.iter().filter(|ask| ask.about == About::Filtering) {
            let from = match ask.change {
                BOTH => "from another address and port",
                ADDRESS => "from another address",
                _ => "from another port",
            };
            let beside = control.filter(|_| ask.answered == 0).map(|control| {
                format!(", {} of {} from the one asked", control.answered, control.sent)
            });
            let (answered, sent) = (ask.answered, ask.sent);
            verdict.evidence.push(format!(
                "{from} {answered} of {sent} answers came{}",
                beside.unwrap_or_default()
            ));
        }
        match self.hairpin {
            Some(Hairpin::Works) => verdict.evidence.push("hairpin works".to_owned()),
            Some(Hairpin::WorksFromInside) => verdict
                .evidence
                .push("hairpin works, but shows the inner address to the inside".to_owned()),
            Some(Hairpin::Fails) => verdict
                .evidence
                .push("hairpin fails: nothing came back from the own mapped address".to_owned()),
            None => {}
        }
    }

    fn add_doubts(&self, session: &NatSession, verdict: &mut Verdict) {
        let closed = matches!(
            self.filtering,
            Some(
                Dependence::AddressDependent
                    | Dependence::AddressAndPortDependent
                    | Dependence::AddressDependentOrAddressAndPortDependent
            )
        );
        if closed {
            verdict.could_also_be.push(
                "a firewall near the server that lets its other port be asked, but not answer \
                 first"
                    .to_owned(),
            );
        }
        for ask in &session.asks {
            if let (Some(plain), Some(seen)) = (ask.rewritten, ask.seen) {
                verdict.doubt.push(format!(
                    "something rewrites addresses within payloads: one answer says both {plain} \
                     and {seen}"
                ));
                break;
            }
        }
        if let Some(ask) = session.asks.iter().find(|ask| ask.also_seen.is_some())
            && let (Some(seen), Some(also)) = (ask.seen, ask.also_seen)
        {
            verdict.doubt.push(format!("the mapping changed meanwhile, from {seen} to {also}"));
        }
        if self.addresses.len() > 1 {
            let count = self.addresses.len();
            verdict.doubt.push(format!(
                "the NAT uses {count} addresses for one host: some protocols do not bear that"
            ));
        }
        if session.stopped {
            verdict.doubt.push("the run was ended early".to_owned());
        }
        let control = session.asks.iter().find(|ask| ask.about == About::Control);
        if let Some(control) = control.filter(|control| control.answered < control.sent) {
            let lost = control.sent - control.answered;
            verdict.doubt.push(format!("{lost} of {} plain requests were lost", control.sent));
        }
    }

    /// What two hosts can do that both sit behind such a NAT (RFC 5128 §3.3).
    pub fn means(&self) -> Option<&'static str> {
        let nat = self.nat?;
        match (nat, self.mapping, self.filtering) {
            (_, _, Some(Dependence::EndpointIndependent))
                if !nat || self.mapping == Some(Dependence::EndpointIndependent) =>
            {
                Some("others can send here first, once they know the address")
            }
            (false, _, Some(_)) => Some("others reach a port here once it has sent to them"),
            (true, Some(Dependence::EndpointIndependent), _) => {
                Some("peers can punch holes: the address that a server sees serves others too")
            }
            (true, Some(Dependence::AddressDependent | Dependence::AddressAndPortDependent), _) => {
                Some("holes cannot be punched by a server's word: two such peers need a relay")
            }
            _ => None,
        }
    }
}

/// The verdict when no answer came at all.
fn nobody(session: &NatSession) -> Verdict {
    let server = session.plan.server;
    let sent: u32 = session.asks.iter().map(|ask| ask.sent).sum();
    let mut verdict = Verdict::new(format!("not known: no STUN server answers at {server}"));
    let sockets = session.plan.locals.len();
    verdict.evidence.push(format!("0 of {sent} requests from {sockets} sockets were answered"));
    let errors = session.asks.iter().find_map(|ask| ask.instead.as_ref());
    if let Some(instead) = errors {
        verdict.evidence.push(format!("the server refused: {instead}"));
    }
    if session.unreachable == 0 {
        verdict.could_also_be.extend([
            "a firewall on either way".to_owned(),
            "a server with a key, or one that was told not to answer STUN".to_owned(),
        ]);
    }
    verdict
}
