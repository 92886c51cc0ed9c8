//! What the documentation of `/v2` shows works, as it stands there.

use crate::support::{PATIENCE, Server};
use std::path::Path;

const PAGE: &str = include_str!("../../docs/api-v2.md");

async fn run(program: &str, arguments: &[&str], server: &Server) -> String {
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).env("api", &server.address).env("no_proxy", "*").kill_on_drop(true);
    let done = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out}{err}");
    out.into_owned()
}

#[tokio::test]
async fn the_clients_work_and_are_those_in_the_documentation() {
    let server = Server::start();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (program, file, language, shown) in [
        ("python3", "examples/client.py", "python", "1 {'name': 'Roof', 'note': 'on the roof'}"),
        ("sh", "examples/client.sh", "shell", "\"items\":[{\"name\":\"Roof\",\"note\":\"on the roof\"}]"),
    ] {
        let path = root.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() <= 20, "{file} is to be read at a glance");
        assert!(PAGE.contains(&format!("```{language}\n{text}```\n")), "{file} is not what the page shows");
        let arguments = [path.to_str().unwrap(), &server.address, "admin@example.com", "admin"];
        let out = run(program, &arguments, &server).await;
        assert!(out.contains(shown), "{out}");
    }
}

#[tokio::test]
async fn the_calls_with_curl_work() {
    let blocks: Vec<_> =
        PAGE.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 9);
    let server = Server::start();
    let out = run("bash", &["-euo", "pipefail", "-c", &blocks.concat()], &server).await;
    for shown in [
        "\"post_int\":15",
        "\"total\":1",
        "\"note\":\"first\"",
        "\"code\":\"precondition_failed\"",
        "\"note\":\"behind the house\"",
        "\"action\":\"create\"",
        "\"created\":2",
    ] {
        assert!(out.contains(shown), "{shown}: {out}");
    }
    let once = server.admin().await.found("/v2/karanas?filter[name]=Once").await;
    assert_eq!(once["total"], 1, "asked for twice, and made once");
}
