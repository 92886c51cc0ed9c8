use super::*;
use crate::resource::Kinds;
use crate::store::{Author, KeyFile, LOG_SIZE, Settings, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

const LIMIT: Duration = Duration::from_millis(200);

fn author() -> Author {
    let text = String::from;
    Author { name: text("Ada"), email: text("ada@example.com"), actor: text("users/1"), request_id: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_hangs_gets_no_pings_and_one_that_works_or_idles_does() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(Settings {
        path: folder.path().to_owned(),
        tenant: ("T1".into(), "Tenant".into()),
        kinds: Kinds::enabled(&[]).unwrap(),
        keys: KeyFile { path: folder.path().join("keys/seal.keys"), is_ours: true },
        clock: Arc::new(chrono::Utc::now),
        log_size: LOG_SIZE,
    })
    .unwrap();
    let pings = Arc::new(AtomicUsize::new(0));
    let (counted, vigil) = (pings.clone(), store.vigil());
    let feeding = tokio::spawn(feed(vigil, LIMIT, move || {
        counted.fetch_add(1, Ordering::Relaxed);
    }));
    let pings_in = async |time: Duration| {
        let before = pings.load(Ordering::Relaxed);
        sleep(time).await;
        pings.load(Ordering::Relaxed) - before
    };
    assert!(pings_in(LIMIT * 5).await >= 2, "an idle writer");

    let (go_on, wait) = mpsc::channel::<()>();
    let (begun, hangs) = tokio::sync::oneshot::channel();
    let hanging = store.clone();
    let write = tokio::spawn(async move {
        let decide = move |_: &mut crate::store::Transaction| {
            let _ = begun.send(());
            let _ = wait.recv();
            Ok(())
        };
        hanging.write(author(), decide).await.map(|_| ())
    });
    hangs.await.unwrap();
    // The look that comes first may have seen it take the order.
    sleep(LIMIT * 2).await;
    assert_eq!(pings_in(LIMIT * 5).await, 0, "a writer that hangs in a decision");

    go_on.send(()).unwrap();
    write.await.unwrap().unwrap();
    assert!(pings_in(LIMIT * 5).await >= 2, "a writer that has gone on");
    feeding.abort();
    store.close().await;
}
