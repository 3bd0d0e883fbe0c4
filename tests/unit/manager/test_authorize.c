/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "manager/authorize.h"
#include "manager/manager.h"
#include "manager/view.h"

static void test_operator(void **state) {
    (void)state;
    const gid_t groups[] = {7, 8, 9};
    const struct caller root = {0}, self = {.uid = 42, .gid = 42}, other = {.uid = 5, .gid = 5};
    const struct caller main_group = {.uid = 5, .gid = 9},
                        extra = {.uid = 5, .gid = 5, .groups = groups, .n_groups = 3};
    assert_true(caller_is_operator(&root, false, 0, 42));
    assert_true(caller_is_operator(&self, false, 0, 42));
    assert_false(caller_is_operator(&other, false, 0, 42));
    assert_true(caller_is_operator(&main_group, true, 9, 42));
    assert_true(caller_is_operator(&extra, true, 9, 42));
    assert_false(caller_is_operator(&extra, true, 10, 42));
    assert_false(caller_is_operator(&extra, false, 9, 42)); /* there is no such group */
    const struct caller wheel = {.uid = 5, .gid = 0};
    assert_false(caller_is_operator(&wheel, false, 0, 42)); /* root's group is not root */
}

static void test_acts_for(void **state) {
    (void)state;
    uint32_t uids[] = {10, 11}, gids[] = {20};
    const struct tenant_ids ids = {.uids = uids, .n_uids = 2, .gids = gids, .n_gids = 1}, none = {0};
    const gid_t groups[] = {19, 20};
    const struct caller member = {.uid = 11, .gid = 1},
                        by_group = {.uid = 1, .gid = 1, .groups = groups, .n_groups = 2};
    const struct caller by_main = {.uid = 1, .gid = 20},
                        other = {.uid = 20, .gid = 10, .groups = groups, .n_groups = 1};
    assert_true(caller_acts_for(&member, &ids));
    assert_true(caller_acts_for(&by_group, &ids));
    assert_true(caller_acts_for(&by_main, &ids));
    assert_false(caller_acts_for(&other, &ids)); /* numbers of users are not numbers of groups */
    assert_false(caller_acts_for(&member, &none));
    const struct caller root = {0};
    assert_false(caller_acts_for(&root, &none)); /* root is an operator, not a member */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_operator), cmocka_unit_test(test_acts_for)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
