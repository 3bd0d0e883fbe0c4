/* SPDX-License-Identifier: Apache-2.0 */
/* Names that two or more programs must agree on. */
#ifndef STREAMKEEPER_NAMES_H
#define STREAMKEEPER_NAMES_H

/* D-Bus: one object, one interface, on the private socket <run>/control.sock and, where there is one, on the
 * system bus. */
#define SK_BUS_NAME      "org.streamkeeper1"
#define SK_BUS_PATH      "/org/streamkeeper1"
#define SK_BUS_INTERFACE "org.streamkeeper1.Manager"

/* D-Bus errors; streamctl maps them to its exit codes (exit.h). The message is for a person and complete. */
#define SK_ERROR_PREFIX  "org.streamkeeper1.Error."
#define SK_ERROR_INVALID SK_ERROR_PREFIX "Invalid" /* the request or the spec is wrong */
#define SK_ERROR_UNKNOWN SK_ERROR_PREFIX "Unknown" /* no such app, tenant, class, instance */
#define SK_ERROR_DENIED  SK_ERROR_PREFIX "Denied"  /* the caller may not */
#define SK_ERROR_REFUSED \
    SK_ERROR_PREFIX "Refused" /* allowed and well-formed, but does not fit: quota, state */
#define SK_ERROR_STORAGE SK_ERROR_PREFIX "Storage" /* the registry could not make it durable */
#define SK_ERROR_TIMEOUT SK_ERROR_PREFIX "Timeout" /* accepted, but not reached in the time given */
#define SK_ERROR_BUSY    SK_ERROR_PREFIX "Busy"    /* too many requests at once, or shutting down */

#define SK_REQUEST_MAX (128 * 1024) /* bytes of one request; a longer one ends the connection */

/* Files below the run folder. */
#define SK_CONTROL_SOCKET "control.sock"
#define SK_NOTIFY_DIR     "notify"
#define SK_CGROUP_FILE    "cgroup" /* written by streamkeeper-cgsetup: see daemon/base/cgroot.h */
#define SK_HANDOVER_SOCKET \
    "handover.sock" /* pidfds kept over the death of a launcher: see daemon/wire/handover.h */

/* Environment given to every instance. */
#define SK_ENV_APP      "STREAMKEEPER_APP"      /* tenant/app */
#define SK_ENV_INSTANCE "STREAMKEEPER_INSTANCE" /* number */
#define SK_ENV_CLASS    "STREAMKEEPER_CLASS"
#define SK_ENV_START_ID \
    "STREAMKEEPER_START_ID" /* marks every process of one start, where there is no cgroup to do so */
#define SK_ENV_STATE_DIR "STATE_DIRECTORY"

#define SK_DEFAULT_USER   "streamkeeper" /* streamkeeperd's user */
#define SK_DEFAULT_TENANT "default"

#endif
