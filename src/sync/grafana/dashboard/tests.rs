use std::collections::BTreeSet;

use super::*;
use crate::sync::fleet::tests::device;

fn dashboard(device: &Device, alone: bool) -> Value {
    Dashboard::of_device(device, Uuid::from_u128(1), alone, false).json(None, false)
}

/// Every InfluxQL query in a dashboard.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["query"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_dashboard_of_a_device_is_what_it_was() {
    let roof = Device { name: "Roof".into(), kid: Some("roof".into()), ..device(9, Some(1)) };
    let text = serde_json::to_string_pretty(&dashboard(&roof, false)).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn a_home_lists_its_devices_with_links() {
    let named = |n: u128, name: &str| Device { name: name.into(), ..device(n, Some(1)) };
    let (roof, barn) = (named(8, "Roof"), Device { suspended: true, ..named(9, "Barn [x](y) | <b>") });
    let home = Dashboard::home(Uuid::from_u128(1), &[&roof, &barn]).json(None, false);
    insta::assert_snapshot!(home["panels"][0]["options"]["content"].as_str().unwrap(), @r"
    | Karana | State |
    |---|---|
    | [Barn \[x\]\(y\) \| \<b\>](d/k-00000000000000000000000000000009) | suspended |
    | [Roof](d/k-00000000000000000000000000000008) | active |
    ");
}

#[test]
fn an_only_device_has_all_points_and_one_of_several_those_with_its_tag() {
    let roof = Device { kid: Some("roof".into()), ..device(9, Some(1)) };
    assert!(queries(&dashboard(&roof, true)).iter().all(|query| !query.contains("KID")));
    let of_it = "(\"KID\" = '00000000-0000-0000-0000-000000000009' OR \"KID\" = 'roof')";
    assert!(queries(&dashboard(&roof, false)).iter().all(|query| query.contains(of_it)));
    let nameless = queries(&dashboard(&device(9, Some(1)), false));
    assert!(
        nameless.iter().all(|query| query.contains("(\"KID\" = '00000000-0000-0000-0000-000000000009')"))
    );
}

#[test]
fn a_series_cannot_leave_its_quotes_nor_the_text_it_stands_in() {
    let device = Device { series: r#"a" ; DROP @title@ \"#.into(), ..device(9, Some(1)) };
    for query in queries(&dashboard(&device, true)) {
        assert!(query.contains(r#"FROM "a\" ; DROP @title@ \\""#), "{query}");
    }
}

/// What Grafana 9 to 13 want of a dashboard, as far as their documentation tells: panels with a number, a type, a place
/// and a data source as an object. <https://grafana.com/docs/grafana/latest/visualizations/dashboards/build-dashboards/view-dashboard-json-model/>
#[test]
fn dashboards_have_the_shape_that_grafana_takes() {
    let device = device(9, Some(1));
    let home = Dashboard::home(Uuid::from_u128(1), &[&device]).json(None, false);
    for json in [home, dashboard(&device, true)] {
        assert!(json["schemaVersion"].as_i64().unwrap() >= 36, "9.0 wrote this one; later ones bring it up");
        assert_eq!(json["id"], Value::Null);
        assert!(json["uid"].as_str().unwrap().len() <= 40);
        assert!(!json["title"].as_str().unwrap().is_empty());
        assert!(!json.to_string().contains("@"), "a name that stands for nothing: {json}");
        let mut ids = BTreeSet::new();
        let mut places = BTreeSet::new();
        for panel in json["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_i64().unwrap()), "twice the same number");
            let place = |name: &str| panel["gridPos"][name].as_i64().unwrap();
            assert!(place("x") + place("w") <= 24);
            for (x, y) in (0..place("w")).flat_map(|x| (0..place("h")).map(move |y| (x, y))) {
                assert!(places.insert((place("x") + x, place("y") + y)), "two panels in one place");
            }
            for target in panel["targets"].as_array().into_iter().flatten() {
                assert_eq!(target["rawQuery"], true);
                for source in [&panel["datasource"], &target["datasource"]] {
                    assert_eq!(*source, json!({"type": "influxdb", "uid": format!("k-{:032x}", 1)}));
                }
            }
        }
    }
}

#[test]
fn the_content_tells_whether_something_changed() {
    let one = Dashboard::of_device(&device(9, Some(1)), Uuid::from_u128(1), true, false);
    let again = Dashboard::of_device(&device(9, Some(1)), Uuid::from_u128(1), true, false);
    assert_eq!(one, again);
    let renamed = Device { name: "Barn".into(), ..device(9, Some(1)) };
    for changed in [
        Dashboard::of_device(&renamed, Uuid::from_u128(1), true, false),
        Dashboard::of_device(&device(9, Some(1)), Uuid::from_u128(1), true, true),
    ] {
        assert_ne!(one.content, changed.content);
    }
    assert_eq!(one.json(None, false)["tags"], json!(["karana", format!("content-{}", one.content)]));
    assert_eq!(one.json(Some(3), true)["title"], "K9 (00000000)");
}

#[test]
fn a_name_leads_back_to_its_device() {
    let uuid = Uuid::from_u128(9);
    assert_eq!(device_of(&uid_of_device(uuid)), Some(uuid));
    for other in ["k-", "h-00000000000000000000000000000009", "k-00000000-0000-0000-0000-000000000009"] {
        assert_eq!(device_of(other), None);
    }
}
