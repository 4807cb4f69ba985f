//! Capacity tests with a UDPSTP server.

use crate::{hold, hold_as, hold_text};
use udpkit::record::{
    UdpstpFailure, UdpstpInterval, UdpstpParams, UdpstpRefusal, UdpstpReport, UdpstpTotals, Way,
    Worded,
};
use udpkit::report::words::udpstp::hint;
use udpkit::report::{Page, UdpstpHeading, tr181, udpstp_text, udpstp_whole};
use udpkit::units::{Endpoint, Nanos};
use udpkit::wire::udpstp::{Checksums, SetupRequest, SetupResponse};

fn target() -> Endpoint {
    "192.0.2.10:24601".parse().expect("an address")
}

/// The response of this code.
pub fn response(code: u8) -> SetupResponse {
    let request = SetupRequest { version: 20, count: 1, ..SetupRequest::default() };
    let pdu = request.respond(SetupResponse::Other(code), (None, Checksums::Unused));
    SetupRequest::decode_response(&pdu).expect("a response").1
}

fn interval(number: u32, mbps: u64, lost: u64) -> UdpstpInterval {
    let datagrams = mbps * 100;
    UdpstpInterval {
        number,
        end_ns: u64::from(number) * 1_000_000_000,
        connections: 4,
        ip_bits_per_second: mbps * 1_000_000,
        ethernet_bits_per_second: mbps * 1_030_400,
        datagrams,
        bytes: datagrams * 1_222,
        lost,
        reordered: u64::from(number),
        duplicates: 0,
        delay_variation_min_ns: Some(0),
        delay_variation_mean_ns: Some(4_300_000),
        delay_variation_max_ns: Some(u64::from(number) * 9_000_000),
        rtt_variation_min_ns: Some(1_000_000),
        rtt_variation_mean_ns: Some(5_100_000),
        rtt_variation_max_ns: Some(u64::from(number) * 10_000_000),
    }
}

/// A test whose rate climbs, loses datagrams and falls back.
fn climbing() -> UdpstpReport {
    let mut report = UdpstpReport {
        target: Some(target()),
        direction: Way::Down,
        connections: 4,
        version: 20,
        authenticated: true,
        payload_bytes: 1_222,
        jumbo: true,
        params: Some(UdpstpParams {
            duration_ns: 5_000_000_000,
            sub_interval_ns: 1_000_000_000,
            trial_ns: 50_000_000,
            low_delay_variation_ns: 30_000_000,
            upper_delay_variation_ns: 90_000_000,
            sequence_errors: 10,
            algorithm: "b",
            tos: 0,
        }),
        totals: Some(UdpstpTotals {
            datagrams: 412_600,
            bytes: 504_197_200,
            lost: 1_240,
            reordered: 15,
            duplicates: 0,
        }),
        rtt_min_ns: Some(12_000_000),
        clock_delta_min_ns: Some(-3_000_000),
        socket_drops: Some(17),
        began_unix_ns: Some(1_780_000_000_000_000_000),
        ..UdpstpReport::default()
    };
    let rates = [(388, 0), (782, 0), (1_021, 1_200), (963, 40), (972, 0)];
    let numbered = (1..).zip(rates);
    report.set_intervals(
        numbered.map(|(number, (mbps, lost))| interval(number, mbps, lost)).collect(),
    );
    report
}

fn heading(asked: &UdpstpReport) -> UdpstpHeading {
    UdpstpHeading { target: target(), asked: asked.clone(), time: Nanos::from_secs(5) }
}

#[test]
fn a_test_shows_its_course_and_the_largest_sub_interval() {
    let report = climbing();
    hold("udpstp.climbing", "blast --udpstp", &report, |page| {
        udpstp_whole(&heading(&report), &report, page)
    });
}

#[test]
fn what_is_not_known_is_a_dash() {
    let mut report = UdpstpReport {
        target: Some(target()),
        connections: 1,
        version: 20,
        payload_bytes: 1_472,
        sent: Some(5),
        never_sent: Some(3),
        interrupted: true,
        failure: Some(UdpstpFailure::Silent { waited_ns: 3_000_000_000 }),
        ..UdpstpReport::default()
    };
    hold("udpstp.nothing", "blast --udpstp", &report, |page| udpstp_text(&report, page));
    let bare = UdpstpInterval { number: 1, end_ns: 1_000_000_000, ..UdpstpInterval::default() };
    report.set_intervals(vec![bare]);
    hold("udpstp.empty", "blast --udpstp", &report, |page| udpstp_text(&report, page));
}

#[test]
fn the_keys_of_tr_181_have_rates_in_mbit_s_and_delays_in_seconds() {
    for (name, report) in [("tr181", climbing()), ("tr181_nothing", UdpstpReport::default())] {
        let json = serde_json::to_string_pretty(&tr181(&report)).expect("JSON");
        hold_as(&format!("udpstp.{name}"), &json);
    }
}

#[test]
fn every_failure_and_what_helps() {
    let (waited_ns, target) = (5_000_000_000, target());
    let mut failures = vec![
        UdpstpFailure::NoReply { target, waited_ns, errno: None },
        UdpstpFailure::NoReply { target, waited_ns, errno: Some(113) },
        UdpstpFailure::PortClosed { target },
        UdpstpFailure::NotAuthentic,
        UdpstpFailure::NotActivated { target, waited_ns },
        UdpstpFailure::ParametersRefused { response_code: 2 },
        UdpstpFailure::Silent { waited_ns: 3_000_000_000 },
        UdpstpFailure::EndedEarly,
        UdpstpFailure::NoInterval,
    ];
    failures.extend((2..=14).map(|code| UdpstpFailure::Refused {
        response_code: UdpstpRefusal(response(code)),
        version: 11,
    }));
    let page = Page::new(80);
    let told = failures.iter().map(|failure| {
        let hint =
            hint(failure).map_or_else(String::new, |hint| page.paragraph("  hint: ", 4, hint));
        page.paragraph("error: ", 4, &failure.text()) + &hint
    });
    hold_text("udpstp.failures", 80, told.collect::<String>().trim_end_matches('\n'));
}
