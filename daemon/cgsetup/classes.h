/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the priority classes, as far as groups need them: the file names, not what is in them. */
#ifndef CGSETUP_CLASSES_H
#define CGSETUP_CLASSES_H

/* One name for each <etc>/classes.d/NAME.conf, or the three shipped ones if there is none. Files whose name
 * is no class name are skipped. Returns 0 and a list (owned by the caller), or -errno. */
int classes_list(const char *etc_folder, char ***ret_names);

#endif
