//! What is known in words: the verdict, its evidence, what else it could be, what to doubt.

use super::NatSession;
use super::ask::About;
use super::judge::{Found, RelaySign};
use crate::record::SendRefusal;
use crate::record::probe::{Dependence, Hairpin, PortChoice, Verdict};
use crate::session::probe::words::copied_answers;
use crate::wire::stun::ChangeRequest;

const BOTH: ChangeRequest = ChangeRequest { address: true, port: true };
const ADDRESS: ChangeRequest = ChangeRequest { address: true, port: false };

impl Found {
    /// The verdict with what it rests on.
    pub fn verdict(&self, session: &NatSession) -> Verdict {
        if self.seen.is_none() && self.nat.is_none() {
            return nobody(session);
        }
        let server = session.plan.server;
        let mut verdict = Verdict::new(match (self.relay, self.nat) {
            (Some(RelaySign::SeenUnchangedBehind(behind)), _) => format!(
                "a relay stands before {server}: {} behind it sees this host's own address and \
                 port when it is asked itself, so no NAT is on the way there",
                behind.ip()
            ),
            (Some(_), _) => format!(
                "something at {server} passes requests on, a relay or a NAT: whether one is near \
                 this host is not known"
            ),
            (None, Some(true)) => self.behind_a_nat(),
            (None, _) => {
                let filtering = self.without_nat();
                format!("no NAT: the far end sees this host's own addresses and ports; {filtering}")
            }
        });
        self.add_evidence(session, &mut verdict);
        self.add_doubts(session, &mut verdict);
        verdict
    }

    fn behind_a_nat(&self) -> String {
        let words = |found: Option<Dependence>| found.map_or("not known", Dependence::words);
        let ports = match self.ports {
            Some(PortChoice::Kept) => "keeps ports",
            Some(PortChoice::KeptForSome) => "keeps some ports",
            Some(PortChoice::Sequential) => "gives ports in a row",
            Some(PortChoice::Random) => "gives ports at random",
            Some(PortChoice::Changed) | None => "gives other ports",
        };
        let (mapping, filtering) = (words(self.mapping), words(self.filtering));
        format!("behind a NAT that {ports}: mapping {mapping}, filtering {filtering}")
    }

    /// What is let in where there is no NAT.
    fn without_nat(&self) -> String {
        match self.filtering {
            Some(Dependence::EndpointIndependent) => {
                "what others send to an open port comes in".to_owned()
            }
            Some(Dependence::EndpointIndependentOrAddressDependent) => {
                "nothing seen to filter: answers from the server's other port came, another \
                 address was not heard"
                    .to_owned()
            }
            Some(found) => format!("a firewall filters, {}", found.words()),
            None => "what is filtered is not known".to_owned(),
        }
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
        match self.relay {
            Some(RelaySign::SeenAsTheOneAsked) => verdict
                .evidence
                .push("the server sees requests come from the very address that was asked".into()),
            Some(RelaySign::AnswersAs(origin)) => {
                verdict.evidence.push(format!("the server says that it was asked at {origin}"));
            }
            Some(RelaySign::SeenUnchangedBehind(behind)) => verdict
                .evidence
                .push(format!("{behind}, asked itself, sees no change of address or port")),
            None => {}
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
        if let Some((from, asked)) = session.answered_from {
            verdict
                .doubt
                .push(format!("answers came from {from}, not from {asked} that was asked"));
        }
        if session.stopped {
            verdict.doubt.push("interrupted".to_owned());
        }
        let refused: u32 = session.asks.iter().map(|ask| ask.refused).sum();
        if let Some(errno) = session.refusal.filter(|_| refused > 0) {
            let why = SendRefusal::new(errno, session.plan.server).cause;
            verdict.doubt.push(format!("this host refused to send {refused} requests: {why}"));
        }
        let control = session.asks.iter().find(|ask| ask.about == About::Control);
        if let Some(control) = control.filter(|control| control.answered < control.sent) {
            let lost = control.sent - control.answered;
            verdict.doubt.push(format!("{lost} of {} plain requests were lost", control.sent));
        }
        let copies = session.asks.iter().map(|ask| u64::from(ask.copies)).sum();
        verdict.doubt.extend(copied_answers(copies));
    }

    /// What two hosts can do that both sit behind such a NAT (RFC 5128 §3.3).
    pub fn means(&self) -> Option<&'static str> {
        let nat = self.nat?;
        match (nat, self.mapping, self.filtering) {
            (false, _, Some(Dependence::EndpointIndependentOrAddressDependent)) => None,
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
    let refused: u32 = session.asks.iter().map(|ask| ask.refused).sum();
    let sockets = session.plan.locals.len();
    if let (0, Some(errno)) = (sent, session.refusal) {
        let why = SendRefusal::new(errno, server).cause;
        let mut verdict = Verdict::new(format!("not known: no request left: {why}"));
        verdict.evidence.push(format!("this host itself stopped {refused} of {refused} requests"));
        return verdict;
    }
    if session.stopped {
        return Verdict::new("not known: interrupted before an answer came");
    }
    let mut verdict = Verdict::new(format!("not known: no STUN server answers at {server}"));
    verdict.evidence.push(format!("0 of {sent} requests from {sockets} sockets were answered"));
    if refused > 0 {
        verdict.evidence.push(format!("this host itself stopped {refused} more"));
    }
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
