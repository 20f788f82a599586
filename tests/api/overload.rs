//! More at once than can be done.

use futures_util::future::join_all;

use crate::TestServer;

#[tokio::test]
async fn refuses_at_once_and_answers_the_others() {
    let server = TestServer::with(|config| {
        config.search.threads = 1;
        config.search.queue = 1;
    });
    server.caught_up().await;
    // One job holds the only thread until it is told, so that what follows does not depend on speed.
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let searches = server.state.searches.clone();
    let busy = tokio::spawn(async move {
        let job = move || {
            started.send(()).unwrap();
            released.recv().unwrap();
        };
        searches.run(job).await
    });
    has_started.await.unwrap();
    let answers = async {
        let answers = join_all((0..10).map(|_| async {
            let answer = server.get("/v1/search?q=x").await;
            if answer.status == 503 {
                // The first refusal shows that the queue is full; then the thread may go on.
                let _ = release.send(());
            }
            answer
        }));
        answers.await
    };
    let answers = answers.await;
    let (refused, answered): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 503);
    assert!(!refused.is_empty() && !answered.is_empty());
    for answer in &refused {
        answer.is_problem(503, "overloaded");
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert!(answered.iter().all(|answer| answer.status == 200));
    assert_eq!(busy.await.unwrap(), Ok(()));
    assert_eq!(server.get("/v1/search?q=x").await.status, 200, "and afterwards all is well");
    assert_eq!(server.get("/healthz").await.status, 200);
}
