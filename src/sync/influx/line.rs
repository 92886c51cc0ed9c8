//! Line protocol, and the config line in it: a contract with firmware in the field, byte for byte.

use uuid::Uuid;

use crate::sync::InfluxSettings;
use crate::sync::fleet::Device;

/// The line that `device` polls to learn where to post to, and as whom:
/// `%<host>:<port>%<series>%<owner uuid>%<password>%<signal>%<post_int>%<get_int>%`.
///
/// The firmware takes it apart at each `%` and knows no escape, and line protocol ends at a newline: a part
/// that holds one cannot be told to a device. The error names the part, never its value.
pub fn config_line(
    device: &Device,
    owner: Uuid,
    password: &str,
    influx: &InfluxSettings,
) -> Result<String, String> {
    let parts = [
        ("the host that devices are told", &*influx.device_host),
        ("config.series", &device.series),
        ("config.password", password),
    ];
    for (name, part) in parts {
        if part.contains(|c: char| c == '%' || c.is_control()) {
            return Err(format!("{name} holds a % or a control character: no config line can be written"));
        }
    }
    let InfluxSettings { device_host: host, device_port: port, .. } = influx;
    let Device { series, signal, post_int, get_int, .. } = device;
    Ok(format!("%{host}:{port}%{series}%{owner}%{password}%{signal}%{post_int}%{get_int}%"))
}

/// The point that carries a config line to the device `id`, at `time` (nanoseconds).
pub fn config_point(line: &str, id: Uuid, time: i64) -> String {
    format!("config,data={},id={} v=0 {time}", tag_value(line), tag_value(&id.to_string()))
}

/// Escapes a tag's value. A backslash stands for itself before any other character.
///
/// Must not end in a backslash nor hold a newline, for which line protocol has no escape; the config line
/// ends in `%` and holds no control character.
fn tag_value(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, ',' | '=' | ' ') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sync::fleet::tests::{device, influx};

    #[test]
    fn the_config_line_is_what_the_firmware_expects() {
        let device = device(9, Some(1));
        let line = config_line(&device, Uuid::from_u128(1), "ABCDEFGH12345678", &influx()).unwrap();
        assert_eq!(
            config_point(&line, device.uuid, 17),
            "config,data=%influx.test:8086%data%00000000-0000-0000-0000-000000000001%ABCDEFGH12345678%10%30%6%\
             ,id=00000000-0000-0000-0000-000000000009 v=0 17"
        );
    }

    #[test]
    fn what_would_break_the_line_is_refused_without_telling_it() {
        for bad in ["a%b", "a\nb", "\u{0}", "a\rconfig,id=x v=1"] {
            let series = Device { series: bad.into(), ..device(9, Some(1)) };
            let host = InfluxSettings { device_host: bad.into(), ..influx() };
            for refused in [
                config_line(&series, Uuid::nil(), "P9", &influx()),
                config_line(&device(9, Some(1)), Uuid::nil(), bad, &influx()),
                config_line(&device(9, Some(1)), Uuid::nil(), "P9", &host),
            ] {
                assert!(!refused.unwrap_err().contains(bad));
            }
        }
    }

    /// The value of tag `data`, cut out and unescaped as InfluxDB does (`scanTagsValue`, `unescapeTag` in
    /// models/points.go): a comma ends it unless a backslash stands before.
    fn scan_data(point: &str) -> String {
        let text = point.strip_prefix("config,data=").unwrap();
        let bytes = text.as_bytes();
        let end = (1..bytes.len()).find(|&i| bytes[i] == b',' && bytes[i - 1] != b'\\').unwrap();
        text[..end].replace("\\,", ",").replace("\\ ", " ").replace("\\=", "=")
    }

    proptest! {
        #[test]
        fn any_series_that_is_accepted_comes_back(series in prop_oneof![r#"[\\,= "'a;#]{0,12}"#, any::<String>()]) {
            let device = Device { series, ..device(9, Some(1)) };
            if let Ok(line) = config_line(&device, Uuid::nil(), "P9", &influx()) {
                let point = config_point(&line, device.uuid, 1);
                prop_assert_eq!(scan_data(&point), line);
                prop_assert_eq!(point.lines().count(), 1);
            }
        }
    }
}
