/* SPDX-License-Identifier: Apache-2.0 */
/* The intrusive list, and the small macros beside it. */
#include "base/attr.h"
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int value;
    struct list node;
};

static void order_is_kept(void **state) {
    (void)state;
    struct list head = LIST_INIT(head);
    assert_true(list_is_empty(&head));
    struct item items[4];
    for (int i = 0; i < 4; i++) {
        items[i].value = i;
        list_init(&items[i].node);
        list_append(&head, &items[i].node);
    }
    assert_false(list_is_empty(&head));
    list_remove(&items[1].node);
    list_remove(&items[1].node); /* harmless */
    assert_true(list_is_empty(&items[1].node));
    int seen = 0;
    LIST_EACH(&head, n)
    seen = seen * 10 + LIST_ENTRY(n, struct item, node)->value;
    assert_int_equal(seen, 23); /* 0, 2, 3 */
    list_append(&head, &items[1].node);
    seen = 0;
    LIST_EACH(&head, n)
    seen = seen * 10 + LIST_ENTRY(n, struct item, node)->value;
    assert_int_equal(seen, 231);
}

static void the_current_node_may_go(void **state) {
    (void)state;
    struct list head = LIST_INIT(head);
    struct item items[5];
    for (int i = 0; i < 5; i++) {
        items[i].value = i;
        list_append(&head, &items[i].node);
    }
    int visited = 0;
    LIST_EACH(&head, n) {
        visited++;
        list_remove(n);
    }
    assert_int_equal(visited, 5);
    assert_true(list_is_empty(&head));
    LIST_EACH(&head, n)
    fail();
}

static void macros_evaluate_once(void **state) {
    (void)state;
    int i = 1, j = 5;
    assert_int_equal(MIN(i++, j++), 1);
    assert_int_equal(i, 2);
    assert_int_equal(j, 6);
    assert_int_equal(MAX(i++, j++), 6);
    assert_int_equal(i, 3);
    assert_int_equal(j, 7);
    char *p = (char *)&i, *taken = TAKE_PTR(p);
    assert_null(p);
    assert_ptr_equal(taken, &i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(the_current_node_may_go),
        cmocka_unit_test(macros_evaluate_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
