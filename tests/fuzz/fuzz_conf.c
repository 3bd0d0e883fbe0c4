/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as each kind of file: refused with a fit reason, or taken, and then printing and parsing is the
 * identity. The first byte says which kind. */
#include "conf/class.h"
#include "conf/daemon_conf.h"
#include "conf/fault.h"
#include "conf/governor.h"
#include "conf/spec.h"
#include "conf/tenant.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)    \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)

/* One line of printable UTF-8 that begins with the file's name. */
static void check_reason(int r, const struct reason *why) {
    REQUIRE(why->error == r);
    REQUIRE(strncmp(why->text, "file:", 5) == 0);
    size_t len = strlen(why->text);
    REQUIRE(len < sizeof(why->text));
    for (size_t i = 0, n; i < len; i += n) {
        n = conf_utf8_printable(why->text + i, len - i);
        REQUIRE(n > 0);
    }
}

static void try_spec(const char *text, size_t len) {
    CLEANUP(cleanup_spec) struct spec a = {0}, b = {0}, c = {0};
    struct reason why = {0};
    int r = spec_parse("file", text, len, &a, &why);
    if (r < 0) {
        check_reason(r, &why);
        return;
    }
    AUTO_FREE char *printed = NULL, *again = NULL;
    REQUIRE(spec_print(&a, &printed) == 0);
    REQUIRE(spec_parse("file", printed, strlen(printed), &b, &why) == 0);
    REQUIRE(spec_equal(&a, &b) && spec_keeps_instances(&a, &b));
    REQUIRE(spec_print(&b, &again) == 0 && strcmp(printed, again) == 0);
    REQUIRE(spec_copy(&a, &c) == 0 && spec_equal(&a, &c));
    static const struct spec_specifiers values = {
        .state_directory = "/s", .app = "a", .tenant = "t", .client_id = "c", .member_id = "m"};
    CLEANUP(cleanup_text_list) char **command = NULL;
    r = spec_expand(a.command, &values, &command);
    REQUIRE(r == 0 || r == -E2BIG);
    spec_free(&b);
    spec_free(&c);
}

static void try_class(const char *text, size_t len) {
    struct class_conf a, b;
    struct reason why = {0};
    int r = class_parse("file", "name", text, len, &a, &why);
    if (r < 0) {
        check_reason(r, &why);
        return;
    }
    AUTO_FREE char *printed = NULL, *again = NULL;
    REQUIRE(class_print(&a, &printed) == 0);
    REQUIRE(class_parse("file", "name", printed, strlen(printed), &b, &why) == 0);
    REQUIRE(class_print(&b, &again) == 0 && strcmp(printed, again) == 0);
}

static void try_tenant(const char *text, size_t len) {
    struct tenant_conf a, b;
    struct reason why = {0};
    int r = tenant_parse("file", "name", text, len, &a, &why);
    if (r < 0) {
        check_reason(r, &why);
        return;
    }
    AUTO_FREE char *printed = NULL, *again = NULL;
    REQUIRE(tenant_print(&a, &printed) == 0);
    if (strlen(printed) <= SPEC_TEXT_MAX) {
        REQUIRE(tenant_parse("file", "name", printed, strlen(printed), &b, &why) == 0);
        REQUIRE(tenant_print(&b, &again) == 0 && strcmp(printed, again) == 0);
        tenant_free(&b);
    }
    for (uint32_t i = 0; i < a.n_run_as; i++)
        REQUIRE(a.run_as[i].name[0] != '\0' ||
                (a.run_as[i].uid_first > 0 && a.run_as[i].uid_last != UINT32_MAX));
    tenant_free(&a);
}

static void try_daemon(const char *text, size_t len) {
    struct daemon_conf a, b;
    struct reason why = {0};
    int r = daemon_conf_parse("file", text, len, &a, &why);
    if (r < 0) {
        check_reason(r, &why);
        return;
    }
    AUTO_FREE char *printed = NULL, *again = NULL;
    REQUIRE(daemon_conf_print(&a, &printed) == 0);
    REQUIRE(daemon_conf_parse("file", printed, strlen(printed), &b, &why) == 0);
    REQUIRE(daemon_conf_print(&b, &again) == 0 && strcmp(printed, again) == 0);
}

static void try_governor(const char *text, size_t len) {
    struct governor_conf a, b;
    struct reason why = {0};
    int r = governor_conf_parse("file", text, len, &a, &why);
    if (r < 0) {
        check_reason(r, &why);
        return;
    }
    AUTO_FREE char *printed = NULL;
    REQUIRE(governor_conf_print(&a, &printed) == 0);
    REQUIRE(governor_conf_parse("file", printed, strlen(printed), &b, &why) == 0);
    REQUIRE(memcmp(&a, &b, sizeof(a)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    switch (data[0]) {
    case 'c':
        try_class(text, size - 1);
        break;
    case 't':
        try_tenant(text, size - 1);
        break;
    case 'd':
        try_daemon(text, size - 1);
        break;
    case 'g':
        try_governor(text, size - 1);
        break;
    default:
        try_spec(text, size - 1);
    }
    return 0;
}
