/* SPDX-License-Identifier: Apache-2.0 */
/* The only file that knows RocksDB. Its errors, texts in a char *, end here. */
#include "registry/db.h"

#include "base/attr.h"
#include "base/fd.h"
#include "registry/dberror.h"
#include "registry/dirlock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Sizes for a few thousand small records: what is read often fits into the page cache anyway. */
#define WRITE_BUFFER_BYTES ((size_t)1 << 20)
#define BLOCK_CACHE_BYTES  ((size_t)512 << 10)
#define FILE_BYTES         ((uint64_t)8 << 20)
#define LEVEL_BYTES        ((uint64_t)32 << 20)
#define OPEN_FILES_MAX     64

/* With less room than this nothing is written. It is what a write can lead to at once (log, table, manifest),
 * so that RocksDB seldom gets to see a full disk: Debian builds it with assertions, and some of them do not
 * expect one. */
#define ROOM_MIN_BYTES ((uint64_t)4 << 20)

/* The lock on our folder. RocksDB's own LOCK is free while the database rests. */
#define OWNER_FILE "OWNER"

struct db {
    char *path; /* owned */
    int dirfd, lock_fd;
    rocksdb_t *handle; /* NULL at rest */
    bool read_only;    /* what handle is */
};

/* Takes the text. Returns its errno with a reason that says what to do. */
static int explain(const struct db *db, char *text, const char *doing, struct reason *why) {
    pid_t holder = dberror_parse(text) == -EBUSY ? dirlock_holder(db->dirfd, "LOCK") : 0;
    int r = dberror_explain(text, db->path, doing, holder, why);
    rocksdb_free(text);
    return r;
}

static void set_table_options(rocksdb_options_t *o) {
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_cache_t *cache = rocksdb_cache_create_lru(BLOCK_CACHE_BYTES);
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_format_version(table, 5);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_options_set_block_based_table_factory(o, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_cache_destroy(cache);
}

/* No timers, few threads, small buffers. The info log stays empty, because its writer aborts the process when
 * it goes on after a failed write; what goes wrong is told by the calls. RocksDB's own attempts to recover
 * are off: closing and opening afresh does it without a thread that wakes every second.
 *
 * The write-ahead log is first read strictly (`wal_mode` tolerate): a record cut off at the end is what a
 * kill leaves and is dropped, anything else is damage. See open_writable for what happens then. */
static rocksdb_options_t *make_options(int wal_mode) {
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_options_set_paranoid_checks(o, 1);
    rocksdb_options_set_wal_recovery_mode(o, wal_mode);

    rocksdb_options_set_write_buffer_size(o, WRITE_BUFFER_BYTES);
    rocksdb_options_set_max_write_buffer_number(o, 2);
    rocksdb_options_set_arena_block_size(o, 64 << 10);
    rocksdb_options_set_target_file_size_base(o, FILE_BYTES);
    rocksdb_options_set_max_bytes_for_level_base(o, LEVEL_BYTES);
    rocksdb_options_set_compression(o, rocksdb_no_compression);
    set_table_options(o);

    rocksdb_options_set_max_background_jobs(o, 1);
    rocksdb_options_set_max_subcompactions(o, 1);
    rocksdb_options_set_max_open_files(o, OPEN_FILES_MAX);
    rocksdb_options_set_max_file_opening_threads(o, 1);
    rocksdb_options_set_table_cache_numshardbits(o, 0);

    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_stats_persist_period_sec(o, 0);
    rocksdb_options_set_skip_stats_update_on_db_open(o, 1);
    rocksdb_options_set_manifest_preallocation_size(o, 64 << 10);
    rocksdb_options_set_max_manifest_file_size(o, 1 << 20);
    rocksdb_options_set_info_log_level(o, 4 /* fatal errors */);
    rocksdb_options_set_keep_log_file_num(o, 1);
    return o;
}

/* Options that have no function of their own. */
#define MORE_OPTIONS "max_bgerror_resume_count=0"

static rocksdb_t *open_with(const struct db *db, int wal_mode, bool read_only, char **ret_text) {
    rocksdb_options_t *base = make_options(wal_mode), *o = rocksdb_options_create();
    rocksdb_get_options_from_string(base, MORE_OPTIONS, o, ret_text);
    rocksdb_t *handle = NULL;
    if (!*ret_text)
        handle = read_only ? rocksdb_open_for_read_only(o, db->path, 0, ret_text)
                           : rocksdb_open(o, db->path, ret_text);
    rocksdb_options_destroy(o);
    rocksdb_options_destroy(base);
    return handle;
}

/* Opens it, strictly first. If the log holds damage that a kill cannot have left (a lost page after a power
 * failure, a bad disk), the changes up to the damage are taken and the loss is told in *why: a change that
 * was acknowledged with sync lies before anything that a power failure can damage. */
static int open_handle(struct db *db, bool read_only, struct reason *why) {
    const int strict = rocksdb_tolerate_corrupted_tail_records_recovery;
    const int lenient = rocksdb_point_in_time_recovery;
    const char *doing = read_only ? "opening it for reading" : "opening it";

    char *text = NULL;
    rocksdb_t *handle = open_with(db, strict, read_only, &text);
    if (!handle && dberror_parse(text) == -EBADMSG) {
        char *second = NULL;
        handle = open_with(db, lenient, read_only, &second);
        if (handle)
            reason_set(
                why, -EBADMSG,
                "The end of the write-ahead log in %s was damaged (after a power failure, or by the "
                "disk); the registry goes on without what was behind the damage. The database said: %s",
                db->path, text);
        rocksdb_free(handle ? text : second);
        text = handle ? NULL : text;
    }
    if (!handle)
        return explain(db, text, doing, why);
    db->handle = handle;
    db->read_only = read_only;
    return 0;
}

void db_rest(struct db *db) {
    if (db->handle)
        rocksdb_close(db->handle);
    db->handle = NULL;
}

bool db_is_awake(const struct db *db) {
    return db->handle;
}

static bool has_room(const struct db *db) {
    struct statvfs st;
    if (fstatvfs(db->dirfd, &st) < 0)
        return true; /* writing will tell */
    return (uint64_t)(geteuid() == 0 ? st.f_bfree : st.f_bavail) * st.f_frsize >= ROOM_MIN_BYTES;
}

/* Opens it as it is needed, on a full disk for reading only. */
static int wake(struct db *db, bool for_write, struct reason *why) {
    bool room = has_room(db);
    if (db->handle && (!for_write || (!db->read_only && room)))
        return 0;
    int r = -ENOSPC;
    if (room) {
        db_rest(db);
        r = open_handle(db, false, why);
    } else {
        dberror_explain("No space left on device", db->path, for_write ? "writing to it" : "opening it", 0,
                        why);
    }
    if (r != -ENOSPC || for_write)
        return r;
    struct reason second = {0};
    return open_handle(db, true, &second) == 0 ? 0 : r; /* there is nothing to read yet */
}

/* RocksDB's threads are made where it is called from; signals are for the main thread only. */
static void block_signals(sigset_t *ret_before) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, ret_before);
}

static int take_folder(struct db *db, struct reason *why) {
    int r = fd_mkdir_p_at(AT_FDCWD, db->path, 0700);
    if (r == 0) {
        db->dirfd = open(db->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        r = db->dirfd < 0 ? -errno : 0;
    }
    if (r < 0)
        return reason_set(why, r, "Cannot make or open the registry's folder %s: %s", db->path, strerror(-r));

    pid_t holder = 0;
    r = dirlock_take(db->dirfd, OWNER_FILE, &db->lock_fd, &holder);
    if (r == -EBUSY)
        return reason_set(why, r, "The registry in %s is in use by process %d; stop it first", db->path,
                          (int)holder);
    if (r < 0)
        return reason_set(why, r, "Cannot lock the registry with %s/%s: %s", db->path, OWNER_FILE,
                          strerror(-r));
    return 0;
}

int db_open(const char *path, struct db **ret, struct reason *why) {
    struct db *db = calloc(1, sizeof(*db));
    if (!db)
        return reason_set(why, -ENOMEM, "Out of memory while opening the registry in %s", path);
    db->dirfd = db->lock_fd = -EBADF;
    db->path = strdup(path);

    struct reason found = {0};
    int r = db->path ? take_folder(db, &found) : -ENOMEM;
    if (r == 0) {
        sigset_t before;
        block_signals(&before);
        r = wake(db, false, &found);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (why)
        *why = found;
    if (r < 0) {
        db_free(db);
        return r;
    }
    /* A warning stays, being full is no news before something is to be written. */
    if (why && why->error != -EBADMSG)
        *why = (struct reason){0};
    *ret = db;
    return 0;
}

void db_free(struct db *db) {
    if (!db)
        return;
    db_rest(db);
    fd_close(db->lock_fd);
    fd_close(db->dirfd);
    free(db->path);
    free(db);
}

static void add_delete_prefix(rocksdb_writebatch_t *to, const struct batch_change *c) {
    char end[REGISTRY_KEY_MAX + 1];
    size_t len = prefix_end(c->key, c->key_len, end);
    if (len == 0) {
        len = sizeof(end); /* longer than any key */
        memset(end, 0xff, len);
    }
    rocksdb_writebatch_delete_range(to, c->key, c->key_len, end, len);
}

static void add_batch(rocksdb_writebatch_t *to, const struct registry_batch *b) {
    struct batch_change c;
    size_t offset = 0;
    while (batch_next(b, &offset, &c)) {
        if (c.kind == BATCH_PUT)
            rocksdb_writebatch_put(to, c.key, c.key_len, c.value, c.value_len);
        else if (c.kind == BATCH_DELETE)
            rocksdb_writebatch_delete(to, c.key, c.key_len);
        else
            add_delete_prefix(to, &c);
    }
}

static int write_once(struct db *db, rocksdb_writebatch_t *changes, bool sync, struct reason *why) {
    int r = wake(db, true, why);
    if (r < 0)
        return r;
    rocksdb_writeoptions_t *o = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(o, sync);
    char *text = NULL;
    rocksdb_write(db->handle, o, changes, &text);
    rocksdb_writeoptions_destroy(o);
    if (!text)
        return 0;
    r = explain(db, text, "writing to it", why);
    db_rest(db);
    return r;
}

int db_write(struct db *db, const struct registry_batch *const *batches, size_t n, bool sync,
             struct reason *why) {
    rocksdb_writebatch_t *changes = rocksdb_writebatch_create();
    for (size_t i = 0; i < n; i++)
        add_batch(changes, batches[i]);

    /* The error may be an old one, of a flush in the background, whose cause is gone: a second try on the
     * database opened afresh tells. Writing the same changes twice is the same as writing them once. */
    int r = 0;
    if (rocksdb_writebatch_count(changes) > 0) {
        bool was_awake = db->handle && !db->read_only;
        r = write_once(db, changes, sync, why);
        if (r < 0 && was_awake)
            r = write_once(db, changes, sync, why);
    }
    rocksdb_writebatch_destroy(changes);
    return r;
}

/* Bounds of an iteration; RocksDB borrows them while it goes on. */
struct bounds {
    const char *lower;
    size_t lower_len;
    char upper[REGISTRY_KEY_MAX + 1];
    size_t upper_len; /* 0: none */
};

static rocksdb_readoptions_t *make_read_options(const struct bounds *b) {
    rocksdb_readoptions_t *o = rocksdb_readoptions_create();
    rocksdb_readoptions_set_fill_cache(o, 0);
    rocksdb_readoptions_set_iterate_lower_bound(o, b->lower, b->lower_len);
    if (b->upper_len > 0)
        rocksdb_readoptions_set_iterate_upper_bound(o, b->upper, b->upper_len);
    return o;
}

static void seek(rocksdb_iterator_t *it, const struct db_range *range) {
    const char *after = range->after;
    if (!after && range->descending)
        rocksdb_iter_seek_to_last(it);
    else if (!after)
        rocksdb_iter_seek_to_first(it);
    else if (range->descending)
        rocksdb_iter_seek_for_prev(it, after, strlen(after));
    else
        rocksdb_iter_seek(it, after, strlen(after));
}

static void walk(rocksdb_iterator_t *it, const struct db_range *range, db_visit_fn visit, void *userdata) {
    char key[REGISTRY_KEY_MAX + 1];
    for (seek(it, range); rocksdb_iter_valid(it);
         range->descending ? rocksdb_iter_prev(it) : rocksdb_iter_next(it)) {
        size_t key_len, len;
        const char *found = rocksdb_iter_key(it, &key_len);
        if (key_len > REGISTRY_KEY_MAX)
            continue; /* none of ours */
        memcpy(key, found, key_len);
        key[key_len] = '\0';
        if (range->after && strcmp(key, range->after) == 0)
            continue;
        const char *value = rocksdb_iter_value(it, &len);
        if (!visit(userdata, key, value, len))
            return;
    }
}

int db_iterate(struct db *db, const struct db_range *range, db_visit_fn visit, void *userdata,
               struct reason *why) {
    sigset_t before;
    block_signals(&before);
    int r = wake(db, false, why);
    if (r == 0) {
        struct bounds b = {.lower = range->prefix, .lower_len = strlen(range->prefix)};
        b.upper_len = prefix_end(range->prefix, b.lower_len, b.upper);
        rocksdb_readoptions_t *o = make_read_options(&b);
        rocksdb_iterator_t *it = rocksdb_create_iterator(db->handle, o);
        walk(it, range, visit, userdata);
        char *text = NULL;
        rocksdb_iter_get_error(it, &text);
        rocksdb_iter_destroy(it);
        rocksdb_readoptions_destroy(o);
        if (text)
            r = explain(db, text, "reading it", why);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}
