/* SPDX-License-Identifier: Apache-2.0 */
/* Word counts in RocksDB with a record cache in front; knows nothing of Kafka. */
#include "counts.h"

#include <errno.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS      (1u << 16)
#define WORDS_HELD (SLOTS / 4)        /* entries at which the cache counts as full */
#define TEXT_HELD  (WORDS_HELD * 16u) /* bytes of text at which it does */
#define ARENA_SIZE (TEXT_HELD + COUNTS_LINE_MAX)
/* Small, because what is in it after a kill is read again from the log before anything else can happen. */
#define WRITE_BUFFER (2u << 20)
#define KEY_PREFIX   5 /* kind, partition as four big-endian bytes */

/* The longest line has half as many words as bytes, and still fits into a cache that was not yet full. */
_Static_assert(WORDS_HELD + COUNTS_LINE_MAX / 2 < SLOTS, "a line could fill the table");

/* One word of one partition. */
struct entry {
    uint64_t count;
    uint32_t hash;
    uint32_t partition;
    uint32_t text; /* index into the arena */
    uint16_t length;
    bool used;
    bool touched;     /* differs from what is written */
    bool unpublished; /* changed since the last counts_changed() */
};

struct place {
    struct counts_progress now;
    struct counts_progress written;
    bool loaded;
    bool touched;
};

struct counts {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_readoptions_t *read_options;
    rocksdb_writeoptions_t *write_options;
    struct entry *entries; /* SLOTS, open addressing */
    uint32_t *touched;     /* slots to be written */
    uint32_t *unpublished; /* slots to be reported */
    char *arena;
    struct place *places; /* COUNTS_PARTITIONS_MAX */
    uint32_t entry_count, touched_count, unpublished_count, arena_used;
    uint32_t partitions_touched[COUNTS_PARTITIONS_MAX];
    uint32_t partitions_touched_count;
};

static void put_u64(char *out, uint64_t value) {
    for (int i = 0; i < 8; i++)
        out[i] = (char)(value >> (8 * i));
}

static uint64_t get_u64(const char *in) {
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--)
        value = value << 8 | (unsigned char)in[i];
    return value;
}

static void key_start(char *key, char kind, uint32_t partition) {
    key[0] = kind;
    for (int i = 0; i < 4; i++)
        key[1 + i] = (char)(partition >> (24 - 8 * i));
}

/* Turns RocksDB's way of telling an error into ours; frees the message. */
static int db_error(const char *what, char *message) {
    if (!message)
        return 0;
    fprintf(stderr, "counts: cannot %s: %s\n", what, message);
    rocksdb_free(message);
    return -EIO;
}

static int counts_allocate(struct counts *counts) {
    counts->entries = calloc(SLOTS, sizeof(*counts->entries));
    counts->touched = calloc(SLOTS, sizeof(*counts->touched));
    counts->unpublished = calloc(SLOTS, sizeof(*counts->unpublished));
    counts->arena = malloc(ARENA_SIZE);
    counts->places = calloc(COUNTS_PARTITIONS_MAX, sizeof(*counts->places));
    if (!counts->entries || !counts->touched || !counts->unpublished || !counts->arena || !counts->places)
        return -ENOMEM;
    counts->options = rocksdb_options_create();
    counts->read_options = rocksdb_readoptions_create();
    counts->write_options = rocksdb_writeoptions_create();
    rocksdb_options_set_create_if_missing(counts->options, 1);
    rocksdb_options_set_keep_log_file_num(counts->options, 2);
    rocksdb_options_set_write_buffer_size(counts->options, WRITE_BUFFER);
    return 0;
}

int counts_open(const char *dir, bool read_only, struct counts **ret_counts) {
    struct counts *counts = calloc(1, sizeof(*counts));
    char *message = NULL;

    int error = counts ? counts_allocate(counts) : -ENOMEM;
    if (error == 0) {
        if (read_only)
            counts->db = rocksdb_open_for_read_only(counts->options, dir, 0, &message);
        else
            counts->db = rocksdb_open(counts->options, dir, &message);
        error = db_error("open the state directory", message);
    }
    if (error < 0) {
        counts_close(counts);
        return error;
    }
    *ret_counts = counts;
    return 0;
}

struct counts *counts_close(struct counts *counts) {
    if (!counts)
        return NULL;
    if (counts->db)
        rocksdb_close(counts->db);
    if (counts->options)
        rocksdb_options_destroy(counts->options);
    if (counts->read_options)
        rocksdb_readoptions_destroy(counts->read_options);
    if (counts->write_options)
        rocksdb_writeoptions_destroy(counts->write_options);
    free(counts->entries);
    free(counts->touched);
    free(counts->unpublished);
    free(counts->arena);
    free(counts->places);
    free(counts);
    return NULL;
}

static struct place *place_get(struct counts *counts, uint32_t partition) {
    struct place *place = &counts->places[partition % COUNTS_PARTITIONS_MAX];
    char key[KEY_PREFIX], *message = NULL;
    size_t length = 0;

    if (place->loaded)
        return place;
    key_start(key, 'p', partition);
    char *value = rocksdb_get(counts->db, counts->read_options, key, sizeof(key), &length, &message);
    if (db_error("read a position", message) < 0)
        abort(); /* going on with a wrong position would spoil the counts */
    if (value && length == 24)
        place->written = (struct counts_progress){get_u64(value), get_u64(value + 8), get_u64(value + 16)};
    rocksdb_free(value);
    place->now = place->written;
    place->loaded = true;
    return place;
}

static struct place *place_touch(struct counts *counts, uint32_t partition) {
    struct place *place = place_get(counts, partition);

    if (!place->touched) {
        place->touched = true;
        counts->partitions_touched[counts->partitions_touched_count++] = partition;
    }
    return place;
}

const struct counts_progress *counts_progress(struct counts *counts, uint32_t partition) {
    return &place_get(counts, partition)->now;
}

/* Reads the written count of an entry that is new in the cache. */
static int entry_load(struct counts *counts, struct entry *entry) {
    char key[KEY_PREFIX + COUNTS_WORD_MAX], *message = NULL;
    size_t length = 0;

    key_start(key, 'c', entry->partition);
    memcpy(key + KEY_PREFIX, counts->arena + entry->text, entry->length);
    char *value = rocksdb_get(counts->db, counts->read_options, key, KEY_PREFIX + (size_t)entry->length,
                              &length, &message);
    int error = db_error("read a count", message);
    if (error == 0)
        entry->count = value && length == 8 ? get_u64(value) : 0;
    rocksdb_free(value);
    return error;
}

static int word_add(struct counts *counts, uint32_t partition, const char *word, size_t length,
                    uint32_t hash) {
    uint32_t slot = hash % SLOTS;
    struct entry *entry = &counts->entries[slot];

    while (entry->used && (entry->hash != hash || entry->partition != partition || entry->length != length ||
                           memcmp(counts->arena + entry->text, word, length) != 0)) {
        slot = (slot + 1) % SLOTS;
        entry = &counts->entries[slot];
    }
    if (!entry->used) {
        *entry = (struct entry){
            .hash = hash, .partition = partition, .text = counts->arena_used, .length = (uint16_t)length};
        memcpy(counts->arena + entry->text, word, length);
        int error = entry_load(counts, entry);
        if (error < 0)
            return error;
        entry->used = true;
        counts->arena_used += (uint32_t)length;
        counts->entry_count++;
    }
    entry->count++;
    if (!entry->touched) {
        entry->touched = true;
        counts->touched[counts->touched_count++] = slot;
    }
    if (!entry->unpublished) {
        entry->unpublished = true;
        counts->unpublished[counts->unpublished_count++] = slot;
    }
    return 0;
}

static bool byte_in_word(unsigned char byte) {
    return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z');
}

int counts_add_line(struct counts *counts, uint32_t partition, uint64_t offset, const char *line,
                    size_t length) {
    size_t at = 0;

    if (length > COUNTS_LINE_MAX)
        return -EMSGSIZE;
    if (counts_full(counts))
        return -ENOBUFS;
    struct place *place = place_touch(counts, partition);
    while (at < length) {
        char word[COUNTS_WORD_MAX];
        size_t size = 0;
        uint32_t hash = 2166136261u ^ (partition * 0x9e3779b1u);

        for (; at < length && byte_in_word((unsigned char)line[at]); at++) {
            char byte = line[at] >= 'A' && line[at] <= 'Z' ? (char)(line[at] | 0x20) : line[at];

            if (size == sizeof(word))
                continue;
            word[size++] = byte;
            hash = (hash ^ (unsigned char)byte) * 16777619u;
        }
        if (size == 0) {
            at++;
            continue;
        }
        int error = word_add(counts, partition, word, size, hash ^ hash >> 15);
        if (error < 0)
            return error;
        place->now.words++;
    }
    place->now.lines++;
    place->now.next_offset = offset + 1;
    return 0;
}

void counts_skip(struct counts *counts, uint32_t partition, uint64_t offset) {
    place_touch(counts, partition)->now.next_offset = offset + 1;
}

int counts_write(struct counts *counts) {
    char key[KEY_PREFIX + COUNTS_WORD_MAX], value[24], *message = NULL;

    if (counts->partitions_touched_count == 0)
        return 0;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    for (uint32_t i = 0; i < counts->touched_count; i++) {
        const struct entry *entry = &counts->entries[counts->touched[i]];

        key_start(key, 'c', entry->partition);
        memcpy(key + KEY_PREFIX, counts->arena + entry->text, entry->length);
        put_u64(value, entry->count);
        rocksdb_writebatch_put(batch, key, KEY_PREFIX + (size_t)entry->length, value, 8);
    }
    for (uint32_t i = 0; i < counts->partitions_touched_count; i++) {
        const struct place *place = place_get(counts, counts->partitions_touched[i]);

        key_start(key, 'p', counts->partitions_touched[i]);
        put_u64(value, place->now.next_offset);
        put_u64(value + 8, place->now.lines);
        put_u64(value + 16, place->now.words);
        rocksdb_writebatch_put(batch, key, KEY_PREFIX, value, 24);
    }
    rocksdb_write(counts->db, counts->write_options, batch, &message);
    rocksdb_writebatch_destroy(batch);
    int error = db_error("write counts and positions", message);
    if (error < 0)
        return error;
    for (uint32_t i = 0; i < counts->touched_count; i++)
        counts->entries[counts->touched[i]].touched = false;
    for (uint32_t i = 0; i < counts->partitions_touched_count; i++) {
        struct place *place = place_get(counts, counts->partitions_touched[i]);

        place->written = place->now;
        place->touched = false;
    }
    counts->touched_count = counts->partitions_touched_count = 0;
    return 0;
}

static void cache_clear(struct counts *counts) {
    memset(counts->entries, 0, SLOTS * sizeof(*counts->entries));
    counts->entry_count = counts->arena_used = counts->touched_count = counts->unpublished_count = 0;
}

int counts_changed(struct counts *counts, counts_word_fn fn, void *opaque) {
    for (uint32_t i = 0; i < counts->unpublished_count; i++) {
        struct entry *entry = &counts->entries[counts->unpublished[i]];
        int result = fn(counts->arena + entry->text, entry->length, entry->partition, entry->count, opaque);

        if (result != 0)
            return result;
        entry->unpublished = false;
    }
    counts->unpublished_count = 0;
    if (counts_full(counts) && counts->touched_count == 0)
        cache_clear(counts);
    return 0;
}

bool counts_full(const struct counts *counts) {
    return counts->entry_count >= WORDS_HELD || counts->arena_used >= TEXT_HELD;
}

void counts_rewind(struct counts *counts) {
    for (uint32_t i = 0; i < counts->partitions_touched_count; i++) {
        struct place *place = place_get(counts, counts->partitions_touched[i]);

        place->now = place->written;
        place->touched = false;
    }
    counts->partitions_touched_count = 0;
    cache_clear(counts);
}

int counts_each(struct counts *counts, uint32_t partition, counts_word_fn fn, void *opaque) {
    char prefix[KEY_PREFIX], *message = NULL;
    int result = 0;

    key_start(prefix, 'c', partition);
    rocksdb_iterator_t *it = rocksdb_create_iterator(counts->db, counts->read_options);
    for (rocksdb_iter_seek(it, prefix, sizeof(prefix)); result == 0 && rocksdb_iter_valid(it);
         rocksdb_iter_next(it)) {
        size_t key_length, value_length;
        const char *key = rocksdb_iter_key(it, &key_length);
        const char *value = rocksdb_iter_value(it, &value_length);

        if (key_length < sizeof(prefix) || memcmp(key, prefix, sizeof(prefix)) != 0)
            break;
        if (value_length == 8)
            result = fn(key + KEY_PREFIX, key_length - KEY_PREFIX, partition, get_u64(value), opaque);
    }
    rocksdb_iter_get_error(it, &message);
    rocksdb_iter_destroy(it);
    int error = db_error("read the counts", message);
    return error < 0 ? error : result;
}
