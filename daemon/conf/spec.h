/* SPDX-License-Identifier: Apache-2.0 */
/* The spec: what a team registers. Text (INI) -> checked struct -> text again.
 *
 * Whatever the text, parsing ends with a struct that obeys every rule here, or with a reason that names file,
 * line, section, key, what is wrong and what would be right. Printing gives the canonical form: every key
 * that differs from its default, in a fixed order; parsing that gives an equal struct. A spec never goes
 * through a shell: `command` is split by quotes only. */
#ifndef CONF_SPEC_H
#define CONF_SPEC_H

#include "base/reason.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPEC_TEXT_MAX      (64 * 1024) /* bytes of a spec */
#define SPEC_INSTANCES_MAX 1000        /* of one app */
#define SPEC_PATH_MAX      1024
#define SPEC_EXPANDED_MAX  (64 * 1024) /* bytes of a list after its specifiers are replaced, NULs included */

enum spec_restart { SPEC_RESTART_ALWAYS, SPEC_RESTART_ON_FAILURE, SPEC_RESTART_NEVER, SPEC_RESTART_MAX };
enum spec_ready { SPEC_READY_NONE, SPEC_READY_NOTIFY, SPEC_READY_TCP, SPEC_READY_EXEC, SPEC_READY_MAX };
enum spec_guarantee { SPEC_GUARANTEE_UNSET, SPEC_AT_LEAST_ONCE, SPEC_EXACTLY_ONCE, SPEC_GUARANTEE_MAX };

/* A set of exit codes 0..255. A death by signal n counts as 128 + n, as a shell would say. */
struct spec_codes {
    uint64_t bits[4];
};

struct spec {
    /* [app] */
    char tenant[NAME_LEN_MAX + 1];
    char app[NAME_LEN_MAX + 1];
    char class[NAME_LEN_MAX + 1]; /* default: standard */
    char **command;               /* at least one word; the first an absolute path */
    char *user;                   /* name or number; NULL: the tenant's first run-as */
    uint32_t instances;           /* 1..SPEC_INSTANCES_MAX; default 1 */
    char **environment;           /* NAME=value; names unique */
    char *working_directory;      /* absolute; NULL: the state directory */
    uint32_t umask;               /* default 0077 */

    /* [resources]; 0: not said */
    uint32_t cpu_milli, cpu_max_milli; /* thousandths of a CPU */
    uint64_t memory_bytes, memory_max_bytes;
    uint32_t tasks_max;
    uint64_t state_max_bytes;
    uint32_t open_files_max;

    /* [restart] */
    enum spec_restart restart; /* default always */
    uint64_t delay_usec;       /* default 1s */
    uint64_t delay_max_usec;   /* default 5m */
    uint32_t budget_starts;    /* restarts allowed ... (default 10) */
    uint64_t budget_usec;      /* ... in this window (default 10m) */
    uint64_t stable_usec;      /* a run this long resets the delay (default 10s) */
    struct spec_codes success; /* default 0 and 143 */
    struct spec_codes no_restart;

    /* [stop] */
    int stop_signal;    /* default SIGTERM */
    uint64_t stop_usec; /* default 60s; 120s with guarantee = exactly-once */

    /* [ready] */
    enum spec_ready ready;
    uint16_t ready_port;
    char **ready_command;         /* exec: */
    uint64_t ready_usec;          /* default 5m: not ready by then is a failed start */
    uint64_t ready_interval_usec; /* between tcp/exec tries; default 1s */

    /* [kafka]: what the app says of itself */
    char *cluster, *group;
    char **inputs, **outputs;
    enum spec_guarantee guarantee;
    uint64_t lag_slo_usec, hang_after_usec; /* 0: not said */
};

/* Parses `text` (`file` is only a name for messages). Returns 0 and a spec owned by the caller (spec_free),
 * or a negative errno with the reason; ret is untouched then. -EINVAL: the text is wrong; -EFBIG: longer than
 * SPEC_TEXT_MAX; -ENOMEM. */
int spec_parse(const char *file, const char *text, size_t len, struct spec *ret, struct reason *why);

/* Frees what the struct owns and zeroes it. */
void spec_free(struct spec *s);

static inline void cleanup_spec(struct spec *s) {
    spec_free(s);
}

/* A deep copy. Returns 0 or -ENOMEM. */
int spec_copy(const struct spec *s, struct spec *ret);

/* The canonical text (owned by the caller). Returns 0 or -ENOMEM. */
int spec_print(const struct spec *s, char **ret_text);

/* Same meaning, field by field. */
bool spec_equal(const struct spec *a, const struct spec *b);

/* True if a running instance started from `a` may go on running under `b` untouched: they differ at most in
 * the number of instances and in the restart, stop and readiness rules. */
bool spec_keeps_instances(const struct spec *a, const struct spec *b);

bool spec_codes_has(const struct spec_codes *codes, unsigned code);

/* The values behind the specifiers, for one instance. Texts are borrowed. */
struct spec_specifiers {
    const char *state_directory; /* %S */
    uint32_t number;             /* %n */
    const char *app, *tenant;    /* %a, %t */
    const char *client_id;       /* %c: <class>.<tenant>.<app>.<n> */
    const char *member_id;       /* %i: <tenant>.<app>.<n> */
};

/* Replaces specifiers in each word. Returns 0 and a list owned by the caller, -EINVAL for an unknown
 * specifier (spec_parse refuses those), -E2BIG if the result is over SPEC_EXPANDED_MAX, or -ENOMEM. */
int spec_expand(char *const *words, const struct spec_specifiers *values, char ***ret_words);

const char *spec_restart_name(enum spec_restart v);
const char *spec_ready_name(enum spec_ready v); /* none, notify, tcp, exec */
const char *spec_guarantee_name(enum spec_guarantee v);

#endif
