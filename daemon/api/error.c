/* SPDX-License-Identifier: Apache-2.0 */
/* What an errno from the manager means to a client. */
#include "api/error.h"

#include "streamkeeper/names.h"

#include <errno.h>
#include <stddef.h>

static const struct {
    int error;
    const char *name;
} table[] = {
    {EINVAL, SK_ERROR_INVALID},
    {EBADMSG, SK_ERROR_INVALID},
    {EFBIG, SK_ERROR_INVALID},
    {E2BIG, SK_ERROR_INVALID},
    {ENAMETOOLONG, SK_ERROR_INVALID},
    {ERANGE, SK_ERROR_INVALID},
    {EMSGSIZE, SK_ERROR_INVALID},
    {ENOENT, SK_ERROR_UNKNOWN},
    {EPERM, SK_ERROR_DENIED},
    {EACCES, SK_ERROR_DENIED},
    {EDQUOT, SK_ERROR_REFUSED},
    {EBUSY, SK_ERROR_REFUSED},
    {EEXIST, SK_ERROR_REFUSED},
    {EOPNOTSUPP, SK_ERROR_REFUSED},
    {EIO, SK_ERROR_STORAGE},
    {ENOSPC, SK_ERROR_STORAGE},
    {EROFS, SK_ERROR_STORAGE},
    {ETIMEDOUT, SK_ERROR_TIMEOUT},
    {EAGAIN, SK_ERROR_BUSY},
    {ESHUTDOWN, SK_ERROR_BUSY},
    {ECANCELED, SK_ERROR_BUSY},
    {ENOBUFS, SK_ERROR_BUSY},
    {ENOMEM, "org.freedesktop.DBus.Error.NoMemory"},
};

const char *api_error_name(int error) {
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].error == -error)
            return table[i].name;
    return "org.freedesktop.DBus.Error.Failed";
}
