//! Whether the streams of a run lose differently: two groups that chance does not explain.
//!
//! Each way to split the streams into a worse and a better group is a question to chance: if all
//! datagrams were lost at one rate, Fisher's exact test gives the probability that at least as many
//! losses fall on the worse group. The split is chosen after looking, so the probability is
//! multiplied by the number of splits that could have been chosen (Bonferroni).
//!
//! What is drawn are loss events, not datagrams: datagrams that leave together are lost together. A
//! run of losses is one event, or as many as it has groups that left at different times, since a
//! loss that lasts on the shared path would meet the other streams too.

use super::{LossSample, ODDS, probability_of_chance};
use statrs::function::factorial::ln_binomial;

/// Most loss events that are drawn: beyond that all counts are divided alike, which costs time for
/// no better answer otherwise, and can only make chance likelier.
const MOST_LOST: u64 = 10_000;
/// The same for all events, up to which logarithms of factorials are exact enough.
const MOST_EVENTS: u64 = 1_000_000_000;
/// The worse group must lose at least this many times what the better one does: a difference that
/// is beyond chance but small has many causes.
const TIMES_WORSE: u128 = 2;

/// What one stream lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamLoss {
    /// Datagrams sent.
    pub sent: u64,
    /// Of these, lost; at most `sent`.
    pub lost: u64,
    /// Runs of consecutive losses; at most `lost`, and 0 only without losses.
    pub bursts: u64,
}

/// Two groups of streams that lose differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamGroups {
    /// Indices of the streams that lose more, in ascending order.
    pub worse: Vec<usize>,
    /// What these sent and lost.
    pub worse_loss: LossSample,
    /// What the others sent and lost.
    pub better_loss: LossSample,
}

impl StreamLoss {
    /// Loss events, where up to `burst` datagrams leave together.
    fn events(self, burst: u64) -> u64 {
        self.bursts.max(self.lost.div_ceil(burst.max(1)))
    }
}

/// Splits the streams into those that lose more and those that lose less, where each sends up to
/// `burst` datagrams at once. `None` where chance explains the difference (1 in [`ODDS`] or more),
/// or where it is less than twofold. Streams that sent nothing are left out.
pub fn split_by_loss(streams: &[StreamLoss], burst: u64) -> Option<StreamGroups> {
    split_by_loss_among(streams, burst, 1)
}

/// The same as one of `tests` tests of a run: chance is ruled out over all of them together.
pub fn split_by_loss_among(streams: &[StreamLoss], burst: u64, tests: u64) -> Option<StreamGroups> {
    let mut order: Vec<usize> = (0..streams.len()).filter(|i| streams[*i].sent > 0).collect();
    // By loss rate, the worst first; without division.
    order.sort_by(|a, b| {
        let (a, b) = (&streams[*a], &streams[*b]);
        (u128::from(b.lost) * u128::from(a.sent)).cmp(&(u128::from(a.lost) * u128::from(b.sent)))
    });
    let all_events = order.iter().map(|i| streams[*i].events(burst)).sum::<u64>();
    let lost = order.iter().map(|i| streams[*i].lost).sum::<u64>();
    // Datagrams an event, on average.
    let unit = lost.div_ceil(all_events.max(1)).max(1);
    let sent = order.iter().map(|i| streams[*i].sent.div_ceil(unit)).sum::<u64>();
    let scale = all_events.div_ceil(MOST_LOST).max(sent.div_ceil(MOST_EVENTS)).max(1);
    let events = |of: &[usize]| {
        let sent = of.iter().map(|i| streams[*i].sent.div_ceil(unit)).sum::<u64>();
        let lost = of.iter().map(|i| streams[*i].events(burst)).sum::<u64>();
        LossSample { sent: sent / scale, lost: lost.min(sent) / scale }
    };
    // The split under which these counts are likeliest, one loss rate in each group.
    let likelihood = |at: &usize| {
        let (worse, better) = order.split_at(*at);
        log_likelihood(events(worse)) + log_likelihood(events(better))
    };
    let at = (1..order.len()).max_by(|a, b| likelihood(a).total_cmp(&likelihood(b)))?;
    let (worse, better) = order.split_at(at);
    let beyond = |of: &[usize]| {
        let chance = log_chance(events(of), events(better), order.len(), of.len());
        chance + (tests.max(1) as f64).ln() < -(ODDS as f64).ln()
    };
    // The group is beyond chance, and so is each of its streams.
    if !beyond(worse) || !worse.iter().all(|one| beyond(&[*one])) {
        return None;
    }
    let total = |of: &[usize]| {
        of.iter().fold(LossSample::default(), |sum, i| {
            sum.with(LossSample { sent: streams[*i].sent, lost: streams[*i].lost })
        })
    };
    let (worse_loss, better_loss) = (total(worse), total(better));
    let scaled = |lost: u64, sent: u64| u128::from(lost) * u128::from(sent);
    let clear = scaled(worse_loss.lost, better_loss.sent)
        >= TIMES_WORSE * scaled(better_loss.lost, worse_loss.sent);
    let mut worse = worse.to_vec();
    worse.sort_unstable();
    clear.then_some(StreamGroups { worse, worse_loss, better_loss })
}

/// The logarithm of the likelihood of a count at its own rate.
fn log_likelihood(of: LossSample) -> f64 {
    let term = |part: u64| match part {
        0 => 0.0,
        part => part as f64 * (part as f64 / of.sent as f64).ln(),
    };
    term(of.lost) + term(of.sent.saturating_sub(of.lost))
}

/// The logarithm of the probability of chance, times the number of splits of this kind and the
/// number of kinds.
fn log_chance(worse: LossSample, better: LossSample, streams: usize, of: usize) -> f64 {
    let choices = ln_binomial(streams as u64, of as u64) + (streams as f64).ln();
    probability_of_chance(worse, better).ln() + choices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(sent: u64, lost: u64) -> StreamLoss {
        StreamLoss { sent, lost, bursts: lost }
    }

    #[test]
    fn three_of_eight_streams_on_a_bad_path_are_named() {
        let mut streams = vec![stream(1_000, 0); 8];
        for bad in [1, 4, 6] {
            streams[bad] = stream(1_000, 200);
        }
        let groups = split_by_loss(&streams, 1).expect("two groups");
        assert_eq!(groups.worse, [1, 4, 6]);
        assert_eq!(groups.worse_loss, LossSample { sent: 3_000, lost: 600 });
        assert_eq!(groups.better_loss, LossSample { sent: 5_000, lost: 0 });
        // So many that no probability is left to compare.
        let many = |lost| stream(100_000, lost);
        let streams = [many(0), many(20_000), many(0), many(20_000), many(0)];
        assert_eq!(split_by_loss(&streams, 1).expect("two groups").worse, [1, 3]);
        // Both ways lose, one more.
        let streams = [stream(5_000, 250), stream(5_000, 1_000), stream(5_000, 240)];
        assert_eq!(split_by_loss(&streams, 1).expect("two groups").worse, [1]);
    }

    #[test]
    fn a_dead_path_is_named_from_few_datagrams() {
        let dead = StreamLoss { sent: 20, lost: 20, bursts: 1 };
        let streams = [stream(20, 0), dead, stream(20, 0), dead];
        assert_eq!(split_by_loss(&streams, 1).expect("two groups").worse, [1, 3]);
        // If all twenty left at once, two events say nothing.
        assert_eq!(split_by_loss(&streams, 20), None);
    }

    #[test]
    fn more_tests_of_a_run_ask_for_more_evidence() {
        let dead = StreamLoss { sent: 7, lost: 7, bursts: 7 };
        let streams = [stream(20, 0), dead, stream(20, 0), stream(20, 0)];
        let worse = |tests| split_by_loss_among(&streams, 1, tests).map(|groups| groups.worse);
        assert_eq!(worse(1), Some(vec![1]));
        assert_eq!(worse(1_000_000), None);
    }

    #[test]
    fn few_losses_of_many_datagrams_keep_their_weight() {
        let mut streams = vec![stream(4_000, 40); 12];
        streams.extend([stream(4_000, 0); 4]);
        let groups = split_by_loss_among(&streams, 1, 20).expect("two groups");
        assert_eq!(groups.worse, (0..12).collect::<Vec<_>>());
    }

    #[test]
    fn equal_losses_no_losses_and_single_streams_are_one_group() {
        assert_eq!(split_by_loss(&[], 1), None);
        assert_eq!(split_by_loss(&[stream(1_000, 500)], 1), None);
        assert_eq!(split_by_loss(&[stream(1_000, 0); 8], 1), None);
        assert_eq!(split_by_loss(&[stream(1_000, 1_000); 8], 1), None);
        assert_eq!(split_by_loss(&[stream(0, 0), stream(1_000, 300)], 1), None);
        // Beyond chance, but not twofold.
        assert_eq!(split_by_loss(&[stream(100_000, 20_000), stream(100_000, 15_000)], 1), None);
    }

    #[test]
    fn billions_of_datagrams_are_judged_at_once() {
        let billion = 1_000_000_000;
        let streams = [stream(billion, 0), stream(billion, billion / 50), stream(billion, 0)];
        assert_eq!(split_by_loss(&streams, 1).expect("two groups").worse, [1]);
        assert_eq!(split_by_loss(&[stream(billion, billion / 50); 128], 1), None);
    }

    #[test]
    fn runs_at_one_loss_rate_name_nobody() {
        let mut random = fastrand::Rng::with_seed(19);
        for run in 0..300 {
            let (share, burst) = (random.f64() * 0.5, random.u64(1..20));
            let streams: Vec<StreamLoss> = (0..random.usize(2..33))
                .map(|_| {
                    let events = random.u64(10..300);
                    let bursts = (0..events).filter(|_| random.f64() < share).count() as u64;
                    StreamLoss { sent: events * burst, lost: bursts * burst, bursts }
                })
                .collect();
            assert_eq!(split_by_loss(&streams, burst), None, "run {run}: {streams:?}");
        }
    }
}
