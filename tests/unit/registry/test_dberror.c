/* SPDX-License-Identifier: Apache-2.0 */
/* The database's words, as RocksDB 7.8.3 was seen to say them, and the errors they stand for. */
#include "base/attr.h"
#include "registry/dberror.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text;
    int error;
} said[] = {
    {"IO error: No space left on device: While appending to file: /r/000012.log: No space left on device",
     -ENOSPC},
    {"IO error: While fdatasync: /r/000012.log: Disk quota exceeded", -ENOSPC},
    {"IO error: While lock file: /r/LOCK: Resource temporarily unavailable", -EBUSY},
    {"IO error: lock hold by current process, acquire time 1700000000 acquiring thread 1: /r/LOCK: No locks "
     "available",
     -EBUSY},
    {"IO error: While open a file for lock: /r/LOCK: Permission denied", -EACCES},
    {"IO error: While open a file for appending: /r/000005.log: Read-only file system", -EROFS},
    {"IO error: While open a file for random read: /r/000009.sst: Too many open files", -EMFILE},
    {"Corruption: block checksum mismatch: stored = 1, computed = 2, type = 4  in /r/000009.sst offset 0 "
     "size 9",
     -EBADMSG},
    {"Corruption: CURRENT file does not end with newline", -EBADMSG},
    {"Corruption: IO error: No such file or directory: While open a file for random read: /r/000009.sst: No "
     "such file or "
     "directory",
     -EBADMSG},
    {"Not implemented: Unsupported compression method for this build: Zstd", -EBADMSG},
    {"Invalid argument: /r: does not exist (create_if_missing is false)", -EBADMSG},
    {"Invalid argument: whatever", -EINVAL},
    {"IO error: While pread offset 0 len 9: /r/000009.sst: Input/output error", -EIO},
    {"", -EIO},
};

static void errors(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(said); i++)
        if (dberror_parse(said[i].text) != said[i].error)
            fail_msg("\"%s\" is %d", said[i].text, dberror_parse(said[i].text));
}

static void reasons(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        struct reason why = {0};
        assert_int_equal(dberror_explain(said[i].text, "/folder/r", "testing it", 4711, &why), said[i].error);
        assert_int_equal(why.error, said[i].error);
        assert_non_null(strstr(why.text, "/folder/r"));
        assert_true(!!strstr(why.text, "4711") == (said[i].error == -EBUSY));
        assert_true(!!strstr(why.text, "move this folder away") == (said[i].error == -EBADMSG));
    }
    struct reason why = {0};
    dberror_explain("IO error: a\nb\tc", "/r", "testing it", 0, &why);
    assert_null(strpbrk(why.text, "\n\t"));
    assert_int_equal(dberror_explain("IO error", "/r", "testing it", 0, NULL), -EIO);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(errors), cmocka_unit_test(reasons)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
