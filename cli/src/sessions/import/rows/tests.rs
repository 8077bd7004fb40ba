use std::io::Cursor;

use super::*;

const HEADER: &str = "user_id,access_token,refresh_token,access_token_expires_at,refresh_token_expires_at\n";
const DATES: &str = "2026-11-23T16:25:09Z,2026-11-30T16:25:09Z";

fn rows_of(bytes: impl Into<Vec<u8>>, format: ImportFormat) -> Result<Rows, String> {
    let source = Counted::over(Cursor::new(bytes.into()), None).unwrap();
    Rows::of(source, format, TimeFormat::default()).map_err(|error| error.to_string())
}

fn read(bytes: impl Into<Vec<u8>>, format: ImportFormat) -> Result<Vec<Row>, String> {
    let mut rows = rows_of(bytes, format)?;
    std::iter::from_fn(|| rows.next().transpose()).map(|row| row.map_err(|error| error.to_string())).collect()
}

/// The rows of a CSV file that can't be read to its end, and why.
fn until_it_ends(text: String) -> (Vec<Row>, String) {
    let mut rows = rows_of(text, ImportFormat::Csv).unwrap();
    let mut read = Vec::new();
    loop {
        match rows.next() {
            Ok(row) => read.push(row.unwrap()),
            Err(error) => return (read, error.to_string()),
        }
    }
}

fn csv(bytes: impl Into<Vec<u8>>) -> Result<Vec<Row>, String> {
    read(bytes, ImportFormat::Csv)
}

fn jsonl(bytes: impl Into<Vec<u8>>) -> Vec<Row> {
    read(bytes, ImportFormat::Jsonl).unwrap()
}

/// The lines of what is right, and of what isn't with its reason.
fn told(rows: &[Row]) -> (Vec<u64>, Vec<String>) {
    let good = rows.iter().filter(|row| row.session.is_ok()).map(|row| row.line).collect();
    let bad = rows.iter().filter_map(|row| Some(format!("{}: {}", row.line, row.session.as_ref().err()?))).collect();
    (good, bad)
}

fn member(n: usize) -> String {
    format!(
        r#"{{"user_id":"user-1","access_token":"access-token-{n:04}","refresh_token":"refresh-token-{n:04}","access_token_expires_at":"2026-11-23T16:25:09Z","refresh_token_expires_at":"2026-11-30T16:25:09Z"}}"#
    )
}

#[test]
fn columns_stand_in_any_order_and_others_are_ignored() {
    let text = "refresh_token_expires_at,device, user_id ,access_token,refresh_token,access_token_expires_at\r\n\
                2026-11-30T16:25:09Z,\"a \"\"phone\"\"\r\nof two lines\",\"user, 1\",access-token-0001,refresh-token-0001,2026-11-23T16:25:09Z\r\n\
                2026-11-30T16:25:09Z,,user-2,access-token-0002,refresh-token-0002,2026-11-23T16:25:09Z";
    for text in [text.to_owned(), format!("\u{feff}{text}")] {
        let rows = csv(text.clone()).unwrap();
        assert_eq!(told(&rows), (vec![2, 4], vec![]));
        assert_eq!(rows[0].session.as_ref().unwrap().user_id, "user, 1");
        let rows = Rows::of(Counted::over(Cursor::new(text.into_bytes()), None).unwrap(), ImportFormat::Csv, TimeFormat::default())
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(rows.ignored, ["device"]);
    }
    assert_eq!(csv(HEADER), Ok(vec![]));
}

#[test]
fn a_file_without_the_columns_is_refused_whole() {
    for (text, says) in [
        ("", "the file is empty"),
        ("user_id,access_token\n", "no column refresh_token, access_token_expires_at, refresh_token_expires_at"),
        ("user_id;access_token;refresh_token;access_token_expires_at;refresh_token_expires_at\n", "separated by commas"),
        ("a,b,c,d,e\n", "the first line names the columns"),
        ("user_id,access_token,refresh_token,access_token_expires_at,refresh_token_expires_at,user_id\n", "has the column user_id twice"),
    ] {
        let error = csv(text).unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
    }
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(HEADER.bytes().flat_map(|byte| [byte, 0])).collect();
    assert_eq!(csv(utf16), Err("line 1: the header is not UTF-8; save the file as UTF-8".to_owned()));
}

#[test]
fn a_bad_row_is_told_by_line_and_column_and_the_rest_goes_on() {
    let mut text = HEADER.as_bytes().to_vec();
    let mut line = |line: &str| text.extend([line.as_bytes(), b"\n"].concat());
    line(&format!("u,secret-access-0002,secret-refresh-0002,{DATES}"));
    line(&format!("u,secret-access-0003,{DATES}"));
    line(&format!("u,secret,secret-refresh-0004,{DATES}"));
    line(&format!("u,secret-access-0005,secret refresh 0005,{DATES}"));
    line(&format!("u,lka_secret-access-0006,secret-refresh-0006,{DATES}"));
    line("u,secret-access-0007,secret-refresh-0007,2026-11-23 16:25:09,2026-11-30T16:25:09Z");
    line("u,secret-access-0008,secret-refresh-0008,2026-11-23T16:25:09Z,1796055909");
    line("");
    line(&format!("u,secret-access-0010,secret-refresh-0002,{DATES}"));
    line(&format!("u,secret-refresh-0002,secret-refresh-0011,{DATES}"));
    line(&format!("u,secret-access-0012,secret-refresh-0012,{DATES},more"));
    line(&format!("u,{},secret-refresh-0013,{DATES}", "secret".repeat(43)));
    text.extend(b"u\xff,secret-access-0014,secret-refresh-0014,,\n");
    text.extend(format!("u,secret-access-0015,secret-refresh-0015,{DATES}\n").bytes());
    text.extend(b"u,secret-access-0016,secret-refresh-0016,9999-12-31T23:59:59Z,9999-12-31T23:59:59Z");

    let (good, bad) = told(&csv(text).unwrap());
    assert_eq!(good, [2, 15]);
    let expected = [
        "3: the row has 4 fields, and the header 5",
        "4: access_token has 6 characters",
        "5: refresh_token has a character other than",
        "6: access_token begins like a token of Latchkey's own",
        "7: access_token_expires_at is no RFC 3339 date and time with an offset",
        "8: refresh_token_expires_at is no RFC 3339 date and time with an offset",
        "10: refresh_token stands in line 2 already",
        "11: access_token stands in line 2 already",
        "12: the row has 6 fields, and the header 5",
        "13: access_token has 258 characters",
        "14: user_id is not UTF-8",
        "16: access_token_expires_at is not in the years 1970 to 9998",
    ];
    assert_eq!(bad.len(), expected.len(), "{bad:#?}");
    for (bad, expected) in bad.iter().zip(expected) {
        assert!(bad.starts_with(expected) && !bad.contains("secret"), "{bad}");
    }
}

/// What a quote that is left open takes with it is bounded, and so is memory.
#[test]
fn an_endless_row_is_no_flood() {
    let row = format!("u,access-token-0002,refresh-token-0002,{DATES}\n");
    let open = format!("{HEADER}{row}u,\"access-token-0003,refresh-token-0003,{DATES}\n{}", row.repeat(4000));
    let error = csv(open).unwrap_err();
    assert!(error.starts_with("line 3: the row is over 64 KiB long; is a quote left open?"), "{error}");

    let rows = jsonl(format!("{}\n{}\n{}\n", member(1), "x".repeat(1 << 20), member(3)));
    assert_eq!(told(&rows), (vec![1, 3], vec!["2: the row is over 64 KiB long".to_owned()]));
}

/// It is told by the line it stands in, after empty lines too, and a row that was cut off within its last field isn't imported.
#[test]
fn a_quote_left_open_is_told_by_its_line() {
    let row = format!("u,access-token-0002,refresh-token-0002,{DATES}\n");
    for open in
        ["u,\"access-token-0004", "u,\"access-token-0004\n", "u,\"access-token-0004\n\n\nu,a,b,c,d\n", "u,a,b,c,\"", "u,a,b,c,\"d\n"]
    {
        let (rows, ended) = until_it_ends(format!("{HEADER}{row}\n{open}"));
        assert_eq!(told(&rows), (vec![2], Vec::new()), "{open:?}");
        assert!(ended.starts_with("line 4: a quote is left open up to the end of the file."), "{ended}");
    }
    let columns = "access_token,refresh_token,access_token_expires_at,refresh_token_expires_at,user_id";
    let cut_off = format!("{columns}\naccess-token-0002,refresh-token-0002,{DATES},\"user-1");
    assert_eq!(told(&until_it_ends(cut_off).0).0, Vec::<u64>::new());
    let closed = format!("{columns}\naccess-token-0002,refresh-token-0002,{DATES},\"user-1\"");
    assert_eq!(told(&csv(closed).unwrap()).0, [2]);
}

#[test]
fn json_lines_are_read_one_by_one() {
    let mut text = "\u{feff}".to_owned().into_bytes();
    let mut line = |line: &[u8]| text.extend([line, b"\r\n"].concat());
    line(member(1).as_bytes());
    line(b"");
    line(member(3).replace("user-1", "u\",\"device\":[1],\"x\":\"").as_bytes());
    line(member(4).replace("\"user-1\"", "42").as_bytes());
    line(member(5).replace("\"user-1\"", "4.2").as_bytes());
    line(member(6).replace("\"access_token\"", "\"access\"").as_bytes());
    line(member(7).replace("\"access_token\"", "\"refresh_token\"").as_bytes());
    line(b"{\"user_id\":\"secret\"");
    line(b"[\"secret\"]");
    line(b"{\"user_id\":\"\xff\"}");
    line(member(11).replace("\"2026-11-23T16:25:09Z\"", "1796055909").as_bytes());
    line(member(1).as_bytes());

    let rows = jsonl(text);
    assert_eq!(rows[2].session.as_ref().map(|session| session.user_id.as_str()), Ok("42"));
    let (good, bad) = told(&rows);
    assert_eq!(good, [1, 3, 4]);
    assert_eq!(
        bad,
        [
            "5: user_id takes a string or a whole number",
            "6: access_token is missing",
            "7: the row is no JSON object with each column once",
            "8: the row is no JSON object with each column once",
            "9: the row is no JSON object with each column once",
            "10: the row is not UTF-8, from its byte 13 on",
            "11: access_token_expires_at takes a string",
            "12: access_token stands in line 1 already",
        ]
    );
    assert_eq!(jsonl(""), []);
}

#[test]
fn a_name_says_what_the_file_is() {
    for (name, format) in [
        ("a.csv", ImportFormat::Csv),
        ("A.CSV", ImportFormat::Csv),
        ("a.csv.gz", ImportFormat::Csv),
        ("a.jsonl", ImportFormat::Jsonl),
        ("a.json.gz", ImportFormat::Jsonl),
    ] {
        assert_eq!(format_of(Path::new(name)).ok(), Some(format));
    }
    for name in ["-", "csv", "a.json", ".csv", ""] {
        assert!(matches!(format_of(Path::new(name)), Err(FileError::UnknownFormat)), "{name}");
    }
}
