//! Requests for a page of metrics (HTTP/1.1, RFC 9112), and the head of the answer.

use std::fmt::Write as _;

/// Most header fields of a request.
const MOST_FIELDS: usize = 64;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Whether only the head of the answer is wanted.
    pub head_only: bool,
    /// The form of the page that the client likes best.
    pub form: PageForm,
}

/// Forms of a page that a client can ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageForm {
    /// Plain text, for who asks for nothing else.
    #[default]
    Text,
    /// `application/openmetrics-text`.
    OpenMetrics,
    /// `application/vnd.google.protobuf` of `io.prometheus.client.MetricFamily`, delimited.
    Protobuf,
}

/// Why a request gets no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageRefusal {
    /// 400: it is no request.
    BadRequest,
    /// 404: there is no such page.
    NotFound,
    /// 405: it is neither GET nor HEAD.
    MethodNotAllowed,
    /// 408: it was not complete in time.
    TimedOut,
    /// 431: it is too long.
    TooLarge,
}

impl PageRefusal {
    /// The code and its reason phrase.
    pub fn status(self) -> &'static str {
        match self {
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::TimedOut => "408 Request Timeout",
            Self::TooLarge => "431 Request Header Fields Too Large",
        }
    }
}

/// The path of the only page.
pub const METRICS_PATH: &str = "/metrics";

/// Reads the head of a request; `None` if it is not complete yet.
pub fn read_page_request(bytes: &[u8]) -> Option<Result<PageRequest, PageRefusal>> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(bytes) {
        Ok(httparse::Status::Partial) => return None,
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Some(Err(PageRefusal::TooLarge)),
        Err(_) => return Some(Err(PageRefusal::BadRequest)),
    }
    let path = request.path.unwrap_or_default();
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let head_only = request.method == Some("HEAD");
    if path != METRICS_PATH {
        return Some(Err(PageRefusal::NotFound));
    }
    if !head_only && request.method != Some("GET") {
        return Some(Err(PageRefusal::MethodNotAllowed));
    }
    let accepts = request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("accept"));
    let accepts = accepts.filter_map(|field| std::str::from_utf8(field.value).ok());
    let mut best = (PageForm::Text, 0);
    for (form, weight) in accepts.flat_map(|list| list.split(',')).filter_map(accepted) {
        if weight > best.1 {
            best = (form, weight);
        }
    }
    Some(Ok(PageRequest { head_only, form: best.0 }))
}

/// A form that a list accepts, with its weight in thousandths (RFC 9110 §12.4.2); the first of
/// equals is the best.
fn accepted(item: &str) -> Option<(PageForm, u16)> {
    let mut parts = item.split(';').map(str::trim);
    let media = parts.next()?;
    let mut weight = 1.0;
    let (mut is_family, mut is_delimited) = (false, false);
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match name.trim() {
            "q" => weight = value.trim().parse::<f32>().ok()?,
            "proto" => is_family = value == "io.prometheus.client.MetricFamily",
            "encoding" => is_delimited = value == "delimited",
            _ => {}
        }
    }
    let form = match media {
        "application/openmetrics-text" => PageForm::OpenMetrics,
        "application/vnd.google.protobuf" if is_family && is_delimited => PageForm::Protobuf,
        "text/plain" | "text/*" | "*/*" => PageForm::Text,
        _ => return None,
    };
    Some((form, (weight.clamp(0.0, 1.0) * 1e3) as u16))
}

/// The head of an answer, whose connection is closed behind it.
pub fn page_head(status: &str, content_type: &str, length: usize) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\n");
    // Nothing fails that is written to a string.
    let _ = write!(head, "Content-Type: {content_type}\r\nContent-Length: {length}\r\n");
    if status.starts_with("405") {
        head.push_str("Allow: GET, HEAD\r\n");
    }
    head.push_str("Cache-Control: no-store\r\nConnection: close\r\n\r\n");
    head.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Option<Result<PageForm, PageRefusal>> {
        let read = read_page_request(head.as_bytes())?;
        Some(read.map(|request| request.form))
    }

    #[test]
    fn a_page_is_asked_for_by_its_path_and_by_get_or_head() {
        let get = |line: &str| read(&format!("{line}\r\nHost: a\r\n\r\n"));
        assert_eq!(get("GET /metrics HTTP/1.1"), Some(Ok(PageForm::Text)));
        assert_eq!(get("GET /metrics?x=1 HTTP/1.0"), Some(Ok(PageForm::Text)));
        let head = read_page_request(b"HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(head.unwrap().unwrap().head_only);
        for (line, wrong) in [
            ("GET / HTTP/1.1", PageRefusal::NotFound),
            ("POST /x HTTP/1.1", PageRefusal::NotFound),
            ("POST /metrics HTTP/1.1", PageRefusal::MethodNotAllowed),
            ("get /metrics HTTP/1.1", PageRefusal::MethodNotAllowed),
            ("GET /metrics HTTP/9.9", PageRefusal::BadRequest),
            ("\u{1}\u{2} /metrics", PageRefusal::BadRequest),
        ] {
            assert_eq!(get(line), Some(Err(wrong)), "{line}");
        }
    }

    #[test]
    fn half_a_request_is_waited_for_and_one_of_too_many_fields_is_not() {
        let whole = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), None, "{end}");
        }
        let fields = "A: b\r\n".repeat(MOST_FIELDS + 1);
        let many = format!("GET /metrics HTTP/1.1\r\n{fields}\r\n");
        assert_eq!(read(&many), Some(Err(PageRefusal::TooLarge)));
    }

    #[test]
    fn the_form_is_the_one_that_the_client_likes_best() {
        let protobuf = "application/vnd.google.protobuf;\
            proto=io.prometheus.client.MetricFamily;encoding=delimited";
        let open = "application/openmetrics-text;version=1.0.0";
        for (accept, form) in [
            (String::new(), PageForm::Text),
            ("*/*".to_owned(), PageForm::Text),
            ("text/html, image/png".to_owned(), PageForm::Text),
            (format!("{open},{open};q=0.75,text/plain;q=0.5,*/*;q=0.1"), PageForm::OpenMetrics),
            (format!("{protobuf},{open};q=0.8,text/plain;q=0.5"), PageForm::Protobuf),
            (format!("{open};q=0.5,{protobuf};q=0.6"), PageForm::Protobuf),
            (format!("text/plain, {open};q=0"), PageForm::Text),
            ("application/vnd.google.protobuf".to_owned(), PageForm::Text),
            (format!("{open};q=many"), PageForm::Text),
        ] {
            let head = format!("GET /metrics HTTP/1.1\r\naccept: {accept}\r\n\r\n");
            assert_eq!(read(&head), Some(Ok(form)), "{accept}");
        }
    }

    #[test]
    fn the_head_of_an_answer_is_these_bytes() {
        let head = page_head("200 OK", "text/plain", 7);
        assert_eq!(
            String::from_utf8(head).unwrap(),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        );
        let head = page_head(PageRefusal::MethodNotAllowed.status(), "text/plain", 0);
        assert!(String::from_utf8(head).unwrap().contains("\r\nAllow: GET, HEAD\r\n"));
    }
}
