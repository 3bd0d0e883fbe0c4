/* SPDX-License-Identifier: Apache-2.0 */
/* Values and keys of the registry from whatever bytes: no crash, and what is taken is printed back to the
 * very same bytes. First byte: which record, or k for a key. */
#include "manager/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_app(const uint8_t *data, size_t size, uint8_t *buf, size_t buf_size) {
    struct app_record r;
    if (app_record_decode(data, size, &r) < 0)
        return;
    assert(r.instances >= 1 && r.instances <= 1000);
    int len = app_record_encode(&r, buf, buf_size);
    assert(len == (int)size && memcmp(buf, data, size) == 0);
    app_record_free(&r);
}

static void check_run(const uint8_t *data, size_t size, uint8_t *buf, size_t buf_size) {
    struct run_record r;
    if (run_record_decode(data, size, &r) < 0)
        return;
    int len = run_record_encode(&r, buf, buf_size);
    assert(len == (int)size && memcmp(buf, data, size) == 0);
}

static void check_exit(const uint8_t *data, size_t size, uint8_t *buf, size_t buf_size) {
    struct exit_record r;
    char text[200];
    if (exit_record_decode(data, size, &r) < 0)
        return;
    int len = exit_record_encode(&r, buf, buf_size);
    assert(len == (int)size && memcmp(buf, data, size) == 0);
    assert(strlen(run_exit_text(&r.exit, text, sizeof(text))) > 0);
    assert(strlen(restart_verdict_name(r.verdict)) > 0);
}

static void check_event(const uint8_t *data, size_t size, uint8_t *buf, size_t buf_size) {
    struct event_record r;
    if (event_record_decode(data, size, &r) < 0)
        return;
    int len = event_record_encode(&r, buf, buf_size);
    assert(len == (int)size && memcmp(buf, data, size) == 0);
}

static void check_key(const uint8_t *data, size_t size) {
    char *key = malloc(size + 1), tenant[NAME_LEN_MAX + 1], app[NAME_LEN_MAX + 1], back[RECORD_KEY_MAX];
    uint32_t number;
    uint64_t seq;
    memcpy(key, data, size);
    key[size] = '\0';
    if (record_key_app(key, tenant, app, &number) == 0) {
        assert(text_is_name(tenant) && text_is_name(app));
        record_run_key(back, tenant, app, number);
    }
    if (record_key_app(key, tenant, app, NULL) == 0) {
        record_app_key(back, tenant, app);
        assert(strcmp(strchr(key, '/'), strchr(back, '/')) == 0);
    }
    if (record_key_seq(key, &seq) == 0) {
        record_event_key(back, seq);
        assert(strcmp(strrchr(key, '/'), strrchr(back, '/')) == 0);
    }
    free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    size_t buf_size = size + 64;
    uint8_t *buf = malloc(buf_size);
    switch (data[0]) {
    case 'a':
        check_app(data + 1, size - 1, buf, buf_size);
        break;
    case 'r':
        check_run(data + 1, size - 1, buf, buf_size);
        break;
    case 'e':
        check_exit(data + 1, size - 1, buf, buf_size);
        break;
    case 'v':
        check_event(data + 1, size - 1, buf, buf_size);
        break;
    case 'k':
        check_key(data + 1, size - 1);
        break;
    default:
        break;
    }
    free(buf);
    return 0;
}
