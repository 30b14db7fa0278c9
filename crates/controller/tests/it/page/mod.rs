//! The page that `--report` writes: what is in it, that it is HTML, and how a real browser shows it.

mod browser;
mod parsed;
mod stories;

use crate::release;
use crate::support::runner::failed;
use crate::support::shop::{Shop, crashes, rolls_back, serves};
use crate::support::story::{Story, Told, at};
use browser::Browser;
use controller::Signal;
use parsed::Parsed;
use std::path::{Path, PathBuf};
use stories::{INDEX, INIT, ORDERS};

/// A folder with nothing but the page.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("run.html")
    }

    fn argument(&self) -> String {
        self.file().to_str().unwrap().to_owned()
    }

    /// The page, beside which there is nothing.
    fn page(&self) -> Parsed {
        let names: Vec<_> = std::fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["run.html"]);
        Parsed::of(&std::fs::read_to_string(self.file()).unwrap())
    }
}

async fn ran(story: &Story, more: &[&str]) -> (Told, Parsed) {
    let folder = Folder::new();
    let told = story.run(&[&["--report", &folder.argument()], more].concat()).await;
    let page = folder.page();
    (told, page)
}

fn has(page: &Parsed, heading: &str, texts: &[&str]) {
    let Some(section) = page.section(heading) else {
        panic!("no {heading} in {:?}", page.all("h2"));
    };
    for text in texts {
        assert!(section.contains(text), "no {text:?} in {section}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_green_run() {
    let (told, page) = ran(&stories::of(stories::green), &[]).await;
    told.says(0, &["OK: 3 migrations applied"]);
    assert_eq!(page.only("h1"), "OK 3 migrations applied in 58.0 s");
    assert_eq!(page.only("title"), "OK: 3 migrations applied in 58.0 s");
    has(
        &page,
        "What it means",
        &["changed: whole migrations", "ecs-migrate explain", "ecs-migrate logs"],
    );
    has(&page, "Timeline", &["pulling the image", "waiting for the lock", ORDERS]);
    has(
        &page,
        "Migrations",
        &[INIT, "applied", "one transaction", INDEX, "statement by statement"],
    );
    let statements = page.section("Statements").unwrap();
    let place =
        |text: &str| statements.find(text).unwrap_or_else(|| panic!("{text}: {statements}"));
    let order = [
        &format!("{ORDERS}/migration.sql:9")[..],
        &format!("{INDEX}/migration.sql:1"),
        &format!("{INIT}/migration.sql:2"),
    ];
    assert!(order.map(place).is_sorted(), "the longest first: {statements}");
    has(
        &page,
        "Statements",
        &["AccessExclusiveLock on public.orders", "waited 1.2 s for locks", "1204411"],
    );
    has(&page, "Waits and blockers", &["6.0 s, held by pid 4200 of deploy"]);
    has(&page, "Warnings", &["rewrote public.orders", "registered by its tag"]);
    has(
        &page,
        "The run",
        &[
            "alice",
            "acme/shop",
            "19234567890",
            "4f2c9ab0123456789",
            "shop at shop.cluster-c0ffee",
            "image app:1",
        ],
    );
    has(&page, "Log", &["lines, complete", "advisory lock acquired after 6.0 s"]);
    assert_eq!(page.section("Where it failed"), None);
}

#[tokio::test(start_paused = true)]
async fn a_broken_migration() {
    let (told, page) = ran(&stories::of(stories::broken), &[]).await;
    told.says(10, &["NOT GREEN: migration"]);
    assert!(
        page.only("h1")
            .starts_with("NOT GREEN migration `20260102000000_orders` failed: column \"n\"")
    );
    assert!(
        page.only("header").contains(
            "exit code 10, migration_failed: a migration failed and was rolled back whole"
        )
    );
    has(
        &page,
        "What it means",
        &["fill the column first", "changed: whole migrations are applied", "ecs-migrate explain"],
    );
    has(
        &page,
        "Where it failed",
        &[
            ORDERS,
            "statement 2 of 3, line 9",
            "ALTER TABLE \"orders\"\n  ALTER COLUMN \"n\" SET NOT NULL",
            "23502",
            "P3018",
            "Failing row contains (7, null).",
        ],
    );
    has(&page, "Migrations", &["failed", "not begun"]);
    has(&page, "Timeline", &["failed"]);
    assert_eq!(page.reaching_out().len(), 1, "the console alone: {:?}", page.reaching_out());
}

#[tokio::test(start_paused = true)]
async fn blockers_are_named() {
    let (told, page) = ran(&stories::of(stories::blocked), &[]).await;
    assert_eq!(told.code, 23, "{}", told.everything());
    has(
        &page,
        "Waits and blockers",
        &[
            "4812",
            "4813",
            "idle in transaction, open for 1 m 01 s",
            "shop-worker, app",
            "UPDATE \"orders\"",
            "55P03",
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run() {
    let story = stories::of(stories::endless).signal(at(60), Signal::Interrupt);
    let (told, page) = ran(&story, &[]).await;
    assert_eq!(told.code, 83, "{}", told.everything());
    assert!(page.only("h1").starts_with("NOT GREEN cancelled"), "{}", page.only("h1"));
    has(&page, "What it means", &["run again when ready", "unchanged: nothing was written"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_task() {
    let (told, page) = ran(&stories::of(stories::green), &["--cluster", "nowhere"]).await;
    assert_eq!(told.code, 86, "{}", told.everything());
    assert_eq!(page.only("h1"), "NOT GREEN RunTask: ClusterNotFoundException: Cluster not found.");
    has(&page, "What it means", &["check --cluster and the Region", "untouched: nothing ran"]);
    assert_eq!((page.section("Timeline"), page.section("Log")), (None, None));
}

#[tokio::test(start_paused = true)]
async fn nothing_in_a_log_is_markup_a_secret_or_an_escape() {
    let story = stories::of(stories::hostile);
    let secret = ["--env", "APP_PASSWORD=hunter22-and-more"];
    let (told, page) = ran(&story, &secret).await;
    assert_eq!(told.code, 3, "{}", told.everything());
    let log = page.section("Log").unwrap();
    assert!(log.contains("</pre></style><script>alert(1)</script><img src=x onerror=alert(1)>"));
    assert!(log.contains("\\u{202e}turned link"), "{log}");
    assert!(log.contains("the password is *** & <b>bold</b>"), "{log}");
    assert!(log.contains("… [cut]"));
    for name in ["script", "img", "b", "iframe", "link", "object"] {
        let found = page.names().into_iter().filter(|found| *found == name).count();
        // The exit code is bold.
        assert_eq!(found, usize::from(name == "b"), "{name}");
    }
    let hidden = ['\u{1b}', '\u{7}', '\u{202e}'];
    assert!(!page.only("body").contains(hidden) && !page.only("html").contains("hunter22"));
}

#[tokio::test(start_paused = true)]
async fn of_a_run_days_ago() {
    let story = stories::of(stories::broken);
    assert_eq!(story.run(&[]).await.code, 10);
    for (after, forgotten) in [(60, false), (86_400, true)] {
        tokio::time::sleep(at(after)).await;
        let folder = Folder::new();
        let page = folder.argument();
        let explain = ["explain", "--task-definition", "app-migrate", "--report", &page];
        story.invoke(&explain).await.says(0, &["NOT GREEN"]);
        let page = folder.page();
        assert!(page.only("h1").starts_with("NOT GREEN migration"), "{}", page.only("h1"));
        has(&page, "What it means", &["ecs-migrate explain", "ecs-migrate logs"]);
        has(&page, "Where it failed", &["ALTER TABLE"]);
        has(&page, "Log", &["advisory lock acquired"]);
        has(&page, "The run", &["alice", "19234567890"]);
        let warned =
            page.section("Warnings").is_some_and(|text| text.contains("ECS has forgotten"));
        assert_eq!(warned, forgotten);
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_with_its_services_and_what_followed_them() {
    let shop = Shop::open(stories::in_phases(), serves(), rolls_back()).await;
    let folder = Folder::new();
    shop.release(&["--report", &folder.argument()]).await.says(0, &["OK: "]);
    let page = folder.page();
    assert!(page.only("h1").starts_with("OK "), "{}", page.only("h1"));
    has(&page, "What it means", &["1 migration applied behind the rollout"]);
    has(&page, "Services", &["api deployed", "is on api:2"]);
    let migrations = page.section("Migrations").unwrap();
    assert_eq!(migrations.matches("applied").count(), 2, "{migrations}");
    for section in ["Migrations", "Statements", "Log"] {
        has(&page, section, &[INIT, INDEX]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_whose_last_migrations_did_not_follow() {
    let red = release::in_phases(failed(10, "column is used by a view"));
    let shop = Shop::open(red, serves(), rolls_back()).await;
    let folder = Folder::new();
    assert_eq!(shop.release(&["--report", &folder.argument()]).await.code, 10);
    let page = folder.page();
    assert!(page.only("h1").starts_with("NOT GREEN "), "{}", page.only("h1"));
    let meaning = ["1 migration applied", "1 migration still pending", "changed: whole migrations"];
    has(&page, "What it means", &meaning);
    has(&page, "Services", &["api deployed", "is on api:2"]);
    let shop = Shop::open(stories::in_phases(), serves(), rolls_back()).await;
    shop.story.sandbox.set_faults(release::second_task(release::no_such_place()));
    let folder = Folder::new();
    assert_eq!(shop.release(&["--report", &folder.argument()]).await.code, 81);
    let page = folder.page();
    assert!(page.only("h1").starts_with("NOT GREEN "), "{}", page.only("h1"));
    let pending = "1 migration still pending: RunTask started nothing: ATTRIBUTE";
    has(&page, "What it means", &[pending, "changed: whole migrations", "use FARGATE"]);
    has(&page, "Services", &["api deployed", "is on api:2"]);
    has(&page, "Migrations", &[INIT, "applied"]);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_was_rolled_back() {
    let shop = Shop::open(stories::in_phases(), crashes(), rolls_back()).await;
    let folder = Folder::new();
    assert_eq!(shop.release(&["--report", &folder.argument()]).await.code, 88);
    let page = folder.page();
    assert!(page.only("h1").starts_with("NOT GREEN "), "{}", page.only("h1"));
    has(&page, "What it means", &["1 migration still pending"]);
    has(
        &page,
        "Services",
        &["not deployed", "rolled back from api:2 to api:1", "boom: no such column"],
    );
    has(&page, "Migrations", &[INIT, "applied"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_attaches_gets_the_page_too() {
    let story = stories::of(stories::green).signal(at(2), Signal::Interrupt);
    let told = story.run(&["--on-cancel", "detach", "--output", "json"]).await;
    assert_eq!(told.code, 84, "{}", told.everything());
    let task = told.result()["task_arn"].as_str().unwrap().to_owned();
    let story = story.without_signals();
    let folder = Folder::new();
    let attach = ["attach", &task, "--report", &folder.argument()];
    story.invoke(&attach).await.says(0, &["OK: 3 migrations applied"]);
    has(&folder.page(), "Migrations", &[INIT, ORDERS, INDEX]);
}

#[tokio::test(start_paused = true)]
async fn the_form_of_the_output_makes_no_difference() {
    let mut pages = Vec::new();
    for form in ["text", "json", "github"] {
        let (told, page) = ran(&stories::of(stories::green), &["--output", form]).await;
        assert_eq!(told.code, 0, "{}", told.everything());
        pages.push(page.only("h1").to_owned());
    }
    pages.dedup();
    assert_eq!(pages.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_written() {
    let story = stories::of(stories::green);
    let told = story.run(&["--report", "/no/such/folder/run.html"]).await;
    assert_eq!(told.code, 2, "{}", told.everything());
    assert!(told.err.contains("no file can be made in /no/such/folder"), "{}", told.err);
    assert_eq!(story.calls("RunTask"), 0);
    // What goes wrong at the end is a warning, wherever the verdict went.
    for form in ["text", "json", "github"] {
        let folder = Folder::new();
        let inner = folder.0.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let path = inner.join("run.html").to_str().unwrap().to_owned();
        let story = stories::of(stories::green);
        let arguments = ["--report", &path, "--output", form];
        let removing = async {
            tokio::time::sleep(at(30)).await;
            std::fs::remove_dir(&inner).unwrap();
        };
        let (told, ()) = tokio::join!(story.run(&arguments), removing);
        assert_eq!(told.code, 0, "{}", told.everything());
        let stream = if form == "github" { &told.out } else { &told.err };
        assert!(
            stream.contains("could not be written: No such file or directory"),
            "{}",
            told.everything()
        );
    }
}

/// Where the pictures are put, for whoever wants to look as well.
fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Asks the page about itself.
const MEASURE: &str = include_str!("measure.js");

#[tokio::test]
async fn a_browser_shows_it() {
    let Some(mut browser) = Browser::start().await else { return };
    for (name, code) in
        [("green", 0), ("broken", 10), ("blocked", 23), ("cancelled", 83), ("hostile", 3)]
    {
        let folder = Folder::new();
        // Virtual time has a runtime of its own: sockets would starve in it.
        let argument = folder.argument();
        let told = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(async {
                let story = match name {
                    "green" => stories::of(stories::green),
                    "broken" => stories::of(stories::broken),
                    "blocked" => stories::of(stories::blocked),
                    "cancelled" => stories::of(stories::endless).signal(at(60), Signal::Interrupt),
                    _hostile => stories::of(stories::hostile),
                };
                story.run(&["--report", &argument]).await.code
            })
        });
        assert_eq!(told.join().unwrap(), code, "{name}");
        std::fs::copy(folder.file(), pictures().join(format!("{name}.html"))).unwrap();
        let mut papers = Vec::new();
        for scheme in ["light", "dark"] {
            for width in [360, 768, 1440] {
                let shown = format!("{name}-{scheme}-{width}");
                let mut tab = browser.tab().await;
                tab.window(width, scheme).await;
                tab.open(&folder.file()).await;
                let found = tab.ask(MEASURE).await;
                assert_eq!(found["overflow"], 0, "{shown}: {found}");
                assert_eq!(found["outside"], serde_json::json!([]), "{shown}");
                assert_eq!(found["faint"], serde_json::json!([]), "{shown}: contrast below 4.5");
                assert!(found["texts"].as_u64().unwrap() > 50, "{shown}: {found}");
                let requests = tab.heard("Network.requestWillBeSent");
                assert_eq!(requests.len(), 1, "{shown}: {requests:?}");
                for problem in
                    ["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"]
                {
                    assert!(tab.heard(problem).is_empty(), "{shown}: {:?}", tab.heard(problem));
                }
                let picture = tab.picture("window").await;
                let whole = tab.picture("whole").await;
                let whole = data_encoding::BASE64.decode(whole.as_bytes()).unwrap();
                std::fs::write(pictures().join(format!("{shown}.png")), whole).unwrap();
                tab.close().await;
                if width == 1440 {
                    papers.push(lightness(&mut browser, &picture).await);
                }
            }
        }
        assert!(papers[0] > 200 && papers[1] < 60, "{name}: {papers:?}");
    }
}

/// Of a pixel of the page's paper, 0 to 255, decoded by the browser itself.
async fn lightness(browser: &mut Browser, picture: &str) -> u64 {
    let script = format!(
        "fetch('data:image/png;base64,{picture}').then(r => r.blob()).then(createImageBitmap).then(image => {{
          const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
          canvas.drawImage(image, 0, 0);
          const [r, g, b] = canvas.getImageData(image.width - 4, image.height - 4, 1, 1).data;
          return Math.round((r + g + b) / 3);
        }})"
    );
    let mut tab = browser.tab().await;
    let found = tab.ask(&script).await.as_u64().unwrap();
    tab.close().await;
    found
}
