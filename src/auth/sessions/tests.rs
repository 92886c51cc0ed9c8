use super::*;
use crate::auth::tests::Stage;

impl Stage {
    fn sessions(&self) -> Sessions {
        let tokens = RefreshTokens::new(&[7; 32], "T");
        let (life, tables) = (Duration::from_secs(3600), self.store.read());
        Sessions::open(self.folder(), life, tokens, self.clock(), &tables).unwrap()
    }

    fn folder(&self) -> PathBuf {
        self.state("sessions")
    }

    async fn begin(&self, sessions: &Sessions) -> String {
        sessions.begin(self.actor(), Origin::default()).await.unwrap().refresh_token
    }

    async fn refresh(&self, sessions: &Sessions, token: &str) -> Result<String, Error> {
        let grant = sessions.refresh(self.store.read(), token.to_owned(), Origin::default()).await;
        grant.map(|grant| grant.refresh_token)
    }
}

#[tokio::test]
async fn a_refresh_token_buys_the_next_one_and_a_lost_answer_can_be_asked_for_again() {
    let stage = Stage::new().await;
    let sessions = stage.sessions();
    let first = stage.begin(&sessions).await;
    let second = stage.refresh(&sessions, &first).await.unwrap();
    assert_ne!(first, second);
    stage.pass(60);
    assert_eq!(stage.refresh(&sessions, &first).await.unwrap(), second, "the very same");
    let third = stage.refresh(&sessions, &second).await.unwrap();
    assert!(stage.refresh(&sessions, &third).await.is_ok());
}

#[tokio::test]
async fn a_used_token_that_comes_late_ends_its_session() {
    let stage = Stage::new().await;
    let sessions = stage.sessions();
    let (other, first) = (stage.begin(&sessions).await, stage.begin(&sessions).await);
    let second = stage.refresh(&sessions, &first).await.unwrap();
    stage.pass(61);
    assert!(stage.refresh(&sessions, &first).await.is_err());
    assert!(stage.refresh(&sessions, &second).await.is_err(), "whoever has it");
    assert!(stage.refresh(&sessions, &other).await.is_ok(), "of another session");
    assert_eq!(sessions.len(), 1);
}

#[tokio::test]
async fn a_token_that_was_used_long_ago_ends_its_session_at_once() {
    let stage = Stage::new().await;
    let sessions = stage.sessions();
    let first = stage.begin(&sessions).await;
    let second = stage.refresh(&sessions, &first).await.unwrap();
    let third = stage.refresh(&sessions, &second).await.unwrap();
    assert!(stage.refresh(&sessions, &first).await.is_err());
    assert!(stage.refresh(&sessions, &third).await.is_err());
    assert!(sessions.is_empty());
}

#[tokio::test]
async fn nonsense_ends_nobodys_session() {
    let stage = Stage::new().await;
    let sessions = stage.sessions();
    let first = stage.begin(&sessions).await;
    let id = sessions.all()[0].id;
    let forged = RefreshTokens::new(&[8; 32], "T").first(id, i64::MAX).unwrap();
    let elsewhere = RefreshTokens::new(&[7; 32], "Other").first(id, i64::MAX).unwrap();
    for token in ["", "x.y.z", &forged, &elsewhere, &first[..first.len() - 2]] {
        assert!(matches!(stage.refresh(&sessions, token).await, Err(Error::BadCredentials(_))));
    }
    assert!(stage.refresh(&sessions, &first).await.is_ok());
}

#[tokio::test]
async fn sessions_outlive_a_restart_and_ended_ones_do_not_come_back() {
    let stage = Stage::new().await;
    let sessions = stage.sessions();
    let (stays, goes) = (stage.begin(&sessions).await, stage.begin(&sessions).await);
    let stays = stage.refresh(&sessions, &stays).await.unwrap();
    let ended = RefreshTokens::new(&[7; 32], "T").read(&goes).unwrap().session;
    sessions.end(ended).await.unwrap();
    let file = |id: Uuid, ending: &str| stage.folder().join(format!("{id}{ending}"));
    std::fs::write(stage.folder().join("half.json"), "{\"id\":").unwrap();
    // As a crash leaves it between the write and the renaming; it would come back when the session has ended.
    let staying = RefreshTokens::new(&[7; 32], "T").read(&stays).unwrap().session;
    std::fs::copy(file(staying, ".json"), file(staying, ".json.new")).unwrap();
    let sessions = stage.sessions();
    assert!(stage.refresh(&sessions, &goes).await.is_err());
    assert!(stage.refresh(&sessions, &stays).await.is_ok());
    let files: Vec<_> = std::fs::read_dir(stage.folder()).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    let text = std::fs::read_to_string(&files[0]).unwrap();
    for token in [&stays, &goes] {
        assert!(token.split('.').all(|part| !text.contains(part)), "hashes, never tokens: {text}");
    }
}

#[tokio::test]
async fn a_session_ends_in_time_and_with_its_users_epoch() {
    let stage = Stage::new().await;
    let sessions = stage.sessions();
    let first = stage.begin(&sessions).await;
    let id = sessions.all()[0].id;
    stage.pass(3599);
    assert!(sessions.used(id, stage.user).is_some());
    let second = stage.refresh(&sessions, &first).await.unwrap();
    stage.pass(3600);
    assert!(sessions.used(id, stage.user).is_none());
    assert!(stage.refresh(&sessions, &second).await.is_err());

    let first = stage.begin(&sessions).await;
    stage.write(1).await;
    assert!(sessions.of(stage.user, &stage.store.read()).is_empty());
    assert!(stage.refresh(&sessions, &first).await.is_err());
    assert!(stage.sessions().is_empty());
}

#[tokio::test]
async fn a_user_has_so_many_sessions_and_the_one_unused_for_longest_makes_room() {
    let stage = Stage::new().await;
    let sessions = stage.sessions();
    let first = stage.begin(&sessions).await;
    stage.pass(1);
    let second = stage.begin(&sessions).await;
    stage.pass(1);
    let first = stage.refresh(&sessions, &first).await.unwrap();
    for _ in 0..OF_ONE_USER - 1 {
        stage.pass(1);
        stage.begin(&sessions).await;
    }
    assert_eq!(sessions.len(), OF_ONE_USER);
    assert_eq!(std::fs::read_dir(stage.folder()).unwrap().count(), OF_ONE_USER);
    assert!(stage.refresh(&sessions, &second).await.is_err());
    assert!(stage.refresh(&sessions, &first).await.is_ok());
}

#[tokio::test]
async fn of_two_who_refresh_at_once_both_get_the_same() {
    let stage = Stage::new().await;
    let sessions = stage.sessions();
    let first = stage.begin(&sessions).await;
    let (one, two) = tokio::join!(stage.refresh(&sessions, &first), stage.refresh(&sessions, &first));
    assert_eq!(one.unwrap(), two.unwrap());
}

#[tokio::test]
async fn what_a_client_calls_itself_is_shortened() {
    let stage = Stage::new().await;
    let sessions = stage.sessions();
    let origin = Origin { user_agent: "ü".repeat(10_000), address: None };
    sessions.begin(stage.actor(), origin).await.unwrap();
    assert_eq!(sessions.all()[0].user_agent.chars().count(), USER_AGENT);
}
