//! Turns the results into findings: verdict, evidence, alternatives, caveats, and practical
//! meaning.

use super::NatSession;
use super::judge::{Found, RelaySign};
use super::stun_question::Ask;
use crate::record::Findings;
use crate::record::probe::{
    AnswerSource, Dependence, NatAlternative, NatCaveat, NatControl, NatEvidence, NatMeaning,
    NatQuestion, NatVerdict, ProbeCaveat, RefusedHere,
};
use crate::wire::stun::ChangeRequest;

/// Findings of `probe nat`.
pub(super) type NatFindings = Findings<NatVerdict, NatEvidence, NatAlternative, NatCaveat>;

impl Found {
    /// The verdict with everything that belongs to it.
    pub fn findings(&self, session: &NatSession) -> NatFindings {
        if self.seen.is_none() && self.nat.is_none() {
            return nobody(session);
        }
        let server = session.plan.server;
        let mut findings = Findings::new(match (self.relay, self.nat) {
            (Some(RelaySign::SeenUnchangedBehind(behind)), _) => {
                NatVerdict::NoNatBehindRelay { server: server.into(), behind: behind.ip() }
            }
            (Some(_), _) => NatVerdict::RelayOrNat { server: server.into() },
            (None, Some(true)) => NatVerdict::Nat {
                ports: self.ports,
                mapping: self.mapping,
                filtering: self.filtering,
            },
            (None, _) => NatVerdict::NoNat { filtering: self.filtering },
        });
        findings.evidence = self.evidence(session);
        if self.is_closed() {
            findings.alternatives.push(NatAlternative::FirewallAtServer);
        }
        findings.caveats = self.caveats(session);
        findings
    }

    fn evidence(&self, session: &NatSession) -> Vec<NatEvidence> {
        let mut evidence = Vec::new();
        if let Some(seen) = self.seen {
            let locals = session.plan.locals.iter().enumerate();
            let known: Vec<bool> = locals
                .filter_map(|(index, local)| {
                    let seen = session.seen_by_server(index)?;
                    Some(seen.port() == local.port())
                })
                .collect();
            evidence.push(NatEvidence::SeenAs {
                local: self.local.into(),
                seen: seen.into(),
                sockets: known.len() as u32,
                ports_kept: known.iter().filter(|kept| **kept).count() as u32,
            });
        }
        let control = session.asks.iter().find(|ask| ask.about == NatQuestion::Control);
        for ask in session.asks.iter().filter(|ask| ask.about == NatQuestion::Filtering) {
            let control = control.filter(|_| ask.answered == 0);
            evidence.push(NatEvidence::AnswersFrom {
                source: source_of(ask.change),
                answered: ask.answered,
                sent: ask.sent,
                control: control
                    .map(|control| NatControl { answered: control.answered, sent: control.sent }),
            });
        }
        evidence.extend(self.relay.map(|sign| match sign {
            RelaySign::SeenAsTheOneAsked => NatEvidence::SeenAsTheServer,
            RelaySign::AnswersAs(origin) => NatEvidence::AskedElsewhere { origin: origin.into() },
            RelaySign::SeenUnchangedBehind(behind) => {
                NatEvidence::UnchangedBehindRelay { behind: behind.into() }
            }
        }));
        evidence.extend(self.hairpin.map(|outcome| NatEvidence::Hairpin { outcome }));
        evidence
    }

    /// Whether the server's other address or port is filtered.
    fn is_closed(&self) -> bool {
        matches!(
            self.filtering,
            Some(
                Dependence::AddressDependent
                    | Dependence::AddressAndPortDependent
                    | Dependence::AddressDependentOrAddressAndPortDependent
            )
        )
    }

    fn caveats(&self, session: &NatSession) -> Vec<NatCaveat> {
        let asks = &session.asks;
        let mut caveats = Vec::new();
        let rewritten = asks.iter().find_map(|ask| Some((ask.rewritten?, ask.seen?)));
        caveats.extend(rewritten.map(|(plain, seen)| NatCaveat::AddressesRewritten {
            plain: plain.into(),
            seen: seen.into(),
        }));
        let changed = asks.iter().find(|ask| ask.also_seen.is_some());
        caveats.extend(changed.and_then(|ask| {
            Some(NatCaveat::MappingChanged { from: ask.seen?.into(), to: ask.also_seen?.into() })
        }));
        if self.addresses.len() > 1 {
            let addresses = self.addresses.len() as u32;
            caveats.push(NatCaveat::SeveralAddresses { addresses });
        }
        let elsewhere = session.answered_from;
        let elsewhere = elsewhere.map(|(from, asked)| ProbeCaveat::RepliesFromElsewhere {
            asked: asked.into(),
            from: from.into(),
        });
        let stopped = session.stopped.then_some(ProbeCaveat::Interrupted);
        caveats.extend(elsewhere.into_iter().chain(stopped).map(NatCaveat::Shared));
        caveats.extend(some_refused(session));
        let control = asks.iter().find(|ask| ask.about == NatQuestion::Control);
        if let Some(control) = control.filter(|control| control.answered < control.sent) {
            let (lost, sent) = (control.sent - control.answered, control.sent);
            caveats.push(NatCaveat::RequestsLost { lost, sent });
        }
        let copies = asks.iter().map(|ask| u64::from(ask.copies)).sum();
        caveats.extend(ProbeCaveat::replies_duplicated(copies).map(NatCaveat::Shared));
        caveats
    }

    /// What two hosts behind such a NAT can do (RFC 5128 §3.3).
    pub fn means(&self) -> Option<NatMeaning> {
        let nat = self.nat?;
        match (nat, self.mapping, self.filtering) {
            (false, _, Some(Dependence::EndpointIndependentOrAddressDependent)) => None,
            (_, _, Some(Dependence::EndpointIndependent))
                if !nat || self.mapping == Some(Dependence::EndpointIndependent) =>
            {
                Some(NatMeaning::Reachable)
            }
            (false, _, Some(_)) => Some(NatMeaning::ReachableAfterSending),
            (true, Some(Dependence::EndpointIndependent), _) => Some(NatMeaning::HolePunching),
            (true, Some(Dependence::AddressDependent | Dependence::AddressAndPortDependent), _) => {
                Some(NatMeaning::RelayNeeded)
            }
            _ => None,
        }
    }
}

fn source_of(change: ChangeRequest) -> AnswerSource {
    match change {
        ChangeRequest { address: true, port: true } => AnswerSource::OtherAddressAndPort,
        ChangeRequest { address: true, port: false } => AnswerSource::OtherAddress,
        ChangeRequest { address: false, .. } => AnswerSource::OtherPort,
    }
}

/// The caveat that this host refused to send requests, with its first reason; `None` if it refused
/// none.
fn refusal(session: &NatSession) -> Option<ProbeCaveat> {
    let sum = |of: fn(&Ask) -> u32| session.asks.iter().map(of).map(u64::from).sum();
    let (refused, sent): (u64, u64) = (sum(|ask| ask.refused), sum(|ask| ask.sent));
    let errno = session.refusal?;
    Some(ProbeCaveat::RefusedHere {
        refused,
        of: refused + sent,
        refusals: vec![RefusedHere::new(errno, session.plan.server.into(), refused)],
    })
}

/// The same as a caveat of the verdict, if any were refused.
fn some_refused(session: &NatSession) -> Option<NatCaveat> {
    let any = session.asks.iter().any(|ask| ask.refused > 0);
    refusal(session).filter(|_| any).map(NatCaveat::Shared)
}

/// The findings if no answer arrived at all.
fn nobody(session: &NatSession) -> NatFindings {
    let server = session.plan.server;
    let sent: u32 = session.asks.iter().map(|ask| ask.sent).sum();
    if let Some(refusal) = refusal(session).filter(|_| sent == 0) {
        return Findings::new(NatVerdict::Shared(refusal));
    }
    if session.stopped {
        return Findings::new(NatVerdict::InterruptedBeforeReply);
    }
    let mut findings = Findings::new(NatVerdict::NoServer { server: server.into() });
    let sockets = session.plan.locals.len() as u32;
    findings.evidence.push(NatEvidence::Unanswered { sent, sockets });
    let instead = session.asks.iter().find_map(|ask| ask.instead.clone());
    findings.evidence.extend(instead.map(|answer| NatEvidence::Refused { answer }));
    if session.refusals.reason().is_none() {
        let alternatives = [NatAlternative::Firewall, NatAlternative::StunDisabled];
        findings.alternatives.extend(alternatives);
    }
    findings.caveats.extend(some_refused(session));
    findings
}
