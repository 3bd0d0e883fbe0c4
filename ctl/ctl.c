/* SPDX-License-Identifier: Apache-2.0 */
/* What all verbs share: the connection, printing, failing. */
#include "ctl/ctl.h"

#include "base/parse.h"
#include "ctl/json.h"
#include "streamkeeper/exit.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int ctl_call(struct ctl *c, const char *method, const struct call_arg *args, size_t n, struct reply *ret) {
    char socket[700];
    if (!c->call) {
        if (text_format(socket, sizeof(socket), "%s/%s", c->paths.run, SK_CONTROL_SOCKET) < 0)
            return failure_set(&c->failure, SK_EXIT_USAGE, "the root folder has too long a name");
        if (call_open(socket, &c->call, &c->failure) < 0)
            return -1;
    }
    return call_method(c->call, method, args, n, ret, &c->failure);
}

static int write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int ctl_print(struct ctl *c, struct text_buf *b) {
    int r = b->failed ? -ENOMEM : write_all(STDOUT_FILENO, b->data ? b->data : "", b->len);
    text_buf_free(b);
    if (r == 0)
        return SK_EXIT_OK;
    failure_set(&c->failure, SK_EXIT_FAILURE, "cannot print: %s", strerror(-r));
    return r == -EPIPE ? SK_EXIT_FAILURE : ctl_fail(c);
}

int ctl_print_json(struct ctl *c, const struct value *v) {
    struct text_buf b = {0};
    json_add(&b, v);
    return ctl_print(c, &b);
}

int ctl_split_instance(struct ctl *c, const char *arg, char name[], size_t size, uint32_t *ret_number) {
    uint32_t number = UINT32_MAX;
    const char *first = strchr(arg, '/');
    const char *second = first ? strchr(first + 1, '/') : NULL;
    size_t len = second ? (size_t)(second - arg) : strlen(arg);
    if (second && parse_u32(second + 1, &number) < 0)
        return failure_set(&c->failure, SK_EXIT_USAGE, "\"%s\" is no instance; it is tenant/app/NUMBER", arg);
    if (!*arg || text_format(name, size, "%.*s", (int)len, arg) < 0)
        return failure_set(&c->failure, SK_EXIT_USAGE, "\"%.64s\" is no app; it is tenant/app", arg);
    *ret_number = number;
    return 0;
}

int ctl_fail(struct ctl *c) {
    CLEANUP(cleanup_text_buf) struct text_buf b = {0};
    const struct failure *f = &c->failure;
    if (c->options.json) {
        text_buf_addf(&b, "{\"error\":\"%s\",\"message\":", failure_word(f->exit_code));
        json_add_text(&b, f->text, strlen(f->text));
        text_buf_add(&b, "}\n");
    } else {
        text_buf_add(&b, "streamctl: ");
        text_add_harmless(&b, f->text, strlen(f->text), true);
        text_buf_add(&b, "\n");
    }
    if (b.data)
        write_all(STDERR_FILENO, b.data, b.len);
    return f->exit_code;
}
