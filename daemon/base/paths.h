/* SPDX-License-Identifier: Apache-2.0 */
/* Where everything lies: the system's folders, or, with a root, everything below that one folder, so that
 * many services can live side by side on one host. */
#ifndef BASE_PATHS_H
#define BASE_PATHS_H

struct paths {
    char root[512];     /* absolute, or "" for the system's folders */
    char etc[600];      /* streamkeeper.conf, classes.d/, tenants.d/, clusters.d/ */
    char run[600];      /* control.sock, notify/, cgroup, handover.sock; gone after a boot */
    char state[600];    /* <tenant>/<app>/<n>: the instances' state directories */
    char registry[600]; /* the daemon's own database */
    char log[600];      /* <tenant>/<app>.<n>.log where no journal takes the output */
};

/* Fills all paths; root is NULL or "" for the system's, else made absolute (relative to the working
 * directory; it need not exist). Returns 0, -ENAMETOOLONG or another -errno; ret is untouched on failure. */
int paths_init(struct paths *ret, const char *root);

#endif
