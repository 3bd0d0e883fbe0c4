/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"

#include "adapters/worker.h"
#include "base/attr.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <systemd/sd-event.h>

static pthread_t loop_thread;
static unsigned n_run, n_done, n_cancelled, order[4000];
static sem_t may_run, is_running;

struct job {
    struct worker_job job;
    unsigned number;
    bool waits;
};

static void run(struct worker_job *j) {
    struct job *job = CONTAINER_OF(j, struct job, job);
    assert_false(pthread_equal(pthread_self(), loop_thread));
    if (job->waits) {
        sem_post(&is_running);
        sem_wait(&may_run);
    }
    n_run++;
}

static void done(struct worker_job *j, int cancelled) {
    struct job *job = CONTAINER_OF(j, struct job, job);
    assert_true(pthread_equal(pthread_self(), loop_thread));
    order[n_done++] = job->number;
    n_cancelled += cancelled != 0;
    free(job);
}

static struct job *job_new(unsigned number, bool waits) {
    struct job *j = calloc(1, sizeof(*j));
    *j = (struct job){.job = {.run = run, .done = done}, .number = number, .waits = waits};
    return j;
}

static int setup(void **state) {
    n_run = n_done = n_cancelled = 0;
    loop_thread = pthread_self();
    sem_init(&may_run, 0, 0);
    sem_init(&is_running, 0, 0);
    return ground_setup(state);
}

static void test_order(void **state) {
    struct ground *g = *state;
    struct worker *w;
    assert_int_equal(worker_new(g->loop, &w), 0);
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(worker_give(w, &job_new(i, false)->job), 0);
    ground_wait(g, &n_done, 500);
    assert_int_equal(n_run, 500);
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(order[i], i);
    assert_int_equal(n_cancelled, 0);
    worker_free(w);
    assert_int_equal(n_done, 500);
}

static void test_the_loop_does_not_wait(void **state) {
    struct ground *g = *state;
    struct worker *w;
    assert_int_equal(worker_new(g->loop, &w), 0);
    assert_int_equal(worker_give(w, &job_new(0, true)->job), 0);
    sem_wait(&is_running);
    ground_turn(g);
    assert_int_equal(n_done, 0);
    sem_post(&may_run);
    ground_wait(g, &n_done, 1);
    worker_free(w);
}

static void test_too_many(void **state) {
    struct ground *g = *state;
    struct worker *w;
    assert_int_equal(worker_new(g->loop, &w), 0);
    assert_int_equal(worker_give(w, &job_new(0, true)->job), 0);
    sem_wait(&is_running);
    for (unsigned i = 1; i <= 1000; i++)
        assert_int_equal(worker_give(w, &job_new(i, false)->job), 0);
    struct job *one_more = job_new(1001, false);
    assert_int_equal(worker_give(w, &one_more->job), -EBUSY);
    sem_post(&may_run);
    ground_wait(g, &n_done, 1001);
    assert_int_equal(worker_give(w, &one_more->job), 0);
    ground_wait(g, &n_done, 1002);
    worker_free(w);
}

/* One runs, others wait, others again are done but not handed back. */
static void test_free_hands_everything_back(void **state) {
    struct ground *g = *state;
    struct worker *w;
    assert_int_equal(worker_new(g->loop, &w), 0);
    assert_int_equal(worker_give(w, &job_new(0, false)->job), 0);
    assert_int_equal(worker_give(w, &job_new(1, true)->job), 0);
    for (unsigned i = 2; i < 10; i++)
        assert_int_equal(worker_give(w, &job_new(i, false)->job), 0);
    sem_wait(&is_running);
    sem_post(&may_run);
    worker_free(w);
    assert_int_equal(n_done, 10);
    assert_int_equal(n_cancelled, 10);
    assert_true(n_run >= 2 && n_run <= 10);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(order[i], i);
    ground_turn(g);
    assert_int_equal(n_done, 10);
}

static void test_free_of_nothing(void **state) {
    (void)state;
    worker_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, setup, ground_teardown),
        cmocka_unit_test_setup_teardown(test_the_loop_does_not_wait, setup, ground_teardown),
        cmocka_unit_test_setup_teardown(test_too_many, setup, ground_teardown),
        cmocka_unit_test_setup_teardown(test_free_hands_everything_back, setup, ground_teardown),
        cmocka_unit_test(test_free_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
