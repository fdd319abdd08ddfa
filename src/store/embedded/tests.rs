use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::store::StoreOwner;

const DAY: Duration = Duration::from_secs(86_400);

fn entry(id: &str, bytes: usize, used: &[&str]) -> StoreEntry {
    let owner = StoreOwner::new("/a", "key");
    StoreEntry {
        key: owner.key(id),
        value: Bytes::from(vec![b'x'; bytes]),
        used: used.iter().map(|id| owner.key(id)).collect(),
    }
}

/// Which of these entries exist.
async fn which_exist(store: &EmbeddedStore, ids: &[&str]) -> Vec<bool> {
    let owner = StoreOwner::new("/a", "key");
    let mut exist = Vec::new();
    for id in ids {
        exist.push(store.get(&owner.key(id)).await.unwrap().is_some());
    }
    exist
}

#[tokio::test]
async fn the_entry_that_was_not_used_for_longest_is_deleted_first() {
    let store = EmbeddedStore::open(None, 5000, DAY).await.unwrap();
    for (id, used) in [("a", &[][..]), ("b", &[]), ("c", &["a"]), ("d", &[])] {
        store.save(entry(id, 1000, used)).await.unwrap();
    }
    // Four entries of 1,000 bytes are more than 5,000 with their keys and overhead: `b` was deleted, since `a` was
    // used by `c`.
    assert_eq!(
        which_exist(&store, &["a", "b", "c", "d"]).await,
        [true, false, true, true]
    );
    let large = store.save(entry("e", 5000, &[])).await.unwrap_err();
    assert!(
        large
            .to_string()
            .contains("larger than the limit of the whole response store"),
        "{large}"
    );
    assert_eq!(
        which_exist(&store, &["a", "c", "d", "e"]).await,
        [true, true, true, false]
    );
}

#[tokio::test]
async fn an_owner_cannot_read_the_entries_of_another() {
    let store = EmbeddedStore::open(None, 1 << 20, DAY).await.unwrap();
    store.save(entry("a", 10, &[])).await.unwrap();
    for other in [StoreOwner::new("/a", "other"), StoreOwner::new("/b", "key")] {
        assert_eq!(store.get(&other.key("a")).await, Ok(None));
        assert_eq!(store.delete(&other.key("a")).await, Ok(false));
    }
    assert_eq!(which_exist(&store, &["a"]).await, [true]);
}

#[tokio::test]
async fn old_entries_are_deleted_unless_they_are_used() {
    let age = Duration::from_millis(600);
    let store = EmbeddedStore::open(None, 1 << 20, age).await.unwrap();
    store.save(entry("a", 10, &[])).await.unwrap();
    store.save(entry("b", 10, &[])).await.unwrap();
    tokio::time::sleep(age / 2).await;
    store.save(entry("c", 10, &["a"])).await.unwrap();
    tokio::time::sleep(age * 3 / 5).await;
    assert_eq!(which_exist(&store, &["a", "b", "c"]).await, [true, false, true]);
    // They are not only hidden: the thread deletes them from the tables although nothing is saved.
    tokio::time::sleep(age * 3).await;
    let rows = store.database.with(|database| {
        use redb::ReadableTableMetadata;
        let transaction = database.begin_read()?;
        Ok(transaction.open_table(VALUES)?.len()? + transaction.open_table(ORDER)?.len()?)
    });
    assert_eq!(rows.unwrap(), 0);
}

#[tokio::test]
async fn a_file_can_be_opened_again_and_keeps_its_numbers() {
    let folder = folder("restart");
    let path = folder.join("store.redb");
    let store = EmbeddedStore::open(Some(&path), 3000, DAY).await.unwrap();
    store.save(entry("a", 1000, &[])).await.unwrap();
    store.save(entry("b", 1000, &[])).await.unwrap();
    assert_eq!(
        store.delete(&StoreOwner::new("/a", "key").key("a")).await,
        Ok(true)
    );
    let second = EmbeddedStore::open(Some(&path), 3000, DAY).await;
    assert!(matches!(second, Err(OpenError::Io(_))), "{second:?}");
    drop(store);
    let store = EmbeddedStore::open(Some(&path), 3000, DAY).await.unwrap();
    assert_eq!(which_exist(&store, &["a", "b"]).await, [false, true]);
    store.save(entry("c", 1000, &[])).await.unwrap();
    store.save(entry("d", 1000, &[])).await.unwrap();
    assert_eq!(which_exist(&store, &["b", "c", "d"]).await, [false, true, true]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    drop(store);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_file_stays_near_its_limit() {
    const LIMIT: u64 = 4 << 20;
    let folder = folder("size");
    let path = folder.join("store.redb");
    let store = EmbeddedStore::open(Some(&path), LIMIT, DAY).await.unwrap();
    for number in 0..300 {
        store
            .save(entry(&format!("{number}"), 100_000, &[]))
            .await
            .unwrap();
    }
    drop(store);
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 3 * LIMIT, "{size} bytes for {LIMIT}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_differs_from_one_that_cannot_be_opened() {
    let folder = folder("garbage");
    let path = folder.join("store.redb");
    for garbage in [&b"this is no database"[..], &[0x5a; 1 << 20]] {
        std::fs::write(&path, garbage).unwrap();
        let opened = EmbeddedStore::open(Some(&path), 3000, DAY).await;
        assert!(matches!(opened, Err(OpenError::Broken(_))), "{opened:?}");
        assert_eq!(std::fs::read(&path).unwrap(), garbage, "left as it was");
    }
    let nowhere = EmbeddedStore::open(Some(&folder.join("none/store.redb")), 3000, DAY).await;
    assert!(matches!(nowhere, Err(OpenError::Io(_))), "{nowhere:?}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_damaged_database_is_an_error_and_does_not_panic() {
    let folder = folder("damage");
    let path = folder.join("store.redb");
    let store = EmbeddedStore::open(Some(&path), 1 << 20, DAY).await.unwrap();
    for number in 0..50 {
        store.save(entry(&format!("{number}"), 5000, &[])).await.unwrap();
    }
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    for byte in bytes.iter_mut().skip(4096).take(middle) {
        *byte ^= 0xff;
    }
    std::fs::write(&path, bytes).unwrap();
    let opened = EmbeddedStore::open(Some(&path), 1 << 20, DAY).await;
    assert!(matches!(opened, Err(OpenError::Broken(_))), "{opened:?}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// A file on a disk that can be full.
#[derive(Debug)]
struct FullDisk {
    file: redb::backends::FileBackend,
    is_full: Arc<AtomicBool>,
}

impl FullDisk {
    fn check_room(&self) -> io::Result<()> {
        match self.is_full.load(Ordering::SeqCst) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

impl redb::StorageBackend for FullDisk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check_room()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.check_room()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check_room()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

#[tokio::test]
async fn a_disk_that_was_full_for_a_while_is_written_to_again() {
    let folder = folder("full");
    let path = folder.join("store.redb");
    let is_full = Arc::new(AtomicBool::new(false));
    let disk = Arc::clone(&is_full);
    let opener: DatabaseOpener = Box::new(move || {
        let options = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        let backend = FullDisk {
            file: redb::backends::FileBackend::new(options)?,
            is_full: Arc::clone(&disk),
        };
        builder().create_with_backend(backend)
    });
    let limits = StoreLimits {
        max_bytes: 1 << 20,
        max_age: DAY,
    };
    let store = tokio::task::spawn_blocking(move || start(opener, limits))
        .await
        .unwrap()
        .unwrap();
    store.save(entry("a", 1000, &[])).await.unwrap();
    is_full.store(true, Ordering::SeqCst);
    for id in ["b", "c"] {
        let failed = store.save(entry(id, 1000, &[])).await;
        assert!(failed.is_err(), "{id}");
    }
    is_full.store(false, Ordering::SeqCst);
    // Nobody tries again at once.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    store.save(entry("d", 1000, &[])).await.unwrap();
    assert_eq!(
        which_exist(&store, &["a", "b", "c", "d"]).await,
        [true, false, false, true]
    );
    drop(store);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn many_writers_and_readers_at_once() {
    let store = Arc::new(EmbeddedStore::open(None, 1 << 24, DAY).await.unwrap());
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let id = format!("{number}");
                store.save(entry(&id, 1000, &[])).await.unwrap();
                which_exist(&store, &[&id]).await
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), [true]);
    }
}

/// A folder for one test.
fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("llm-proxy-store-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
