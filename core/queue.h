/* queue.h: messages from many threads to one, and the descriptor that wakes it.
 * SPDX-License-Identifier: MIT
 *
 * Messages are embedded in what they speak of, so posting allocates nothing and cannot fail. A message is in one queue at
 * most, and belongs to the receiver from push to pop.
 */
#ifndef LUADL_QUEUE_H
#define LUADL_QUEUE_H

#include <pthread.h>
#include <stdbool.h>

struct message {
    struct message *next;
    int type;
    void *subject;
};

struct queue {
    pthread_mutex_t lock;  /* a leaf: nothing is called with it held */
    struct message *head;  /* locked */
    struct message **tail; /* locked */
    bool idle;             /* locked: the receiver has found it empty, and is about to wait */
    int wake_fd; /* immutable: an eventfd, readable when something came to an idle receiver */
};

int queue_init(struct queue *queue); /* 0 or a negative kind */
void queue_destroy(struct queue *queue);
void queue_push(struct queue *queue, struct message *message); /* any thread */
struct message *queue_pop(struct queue *queue);                /* the receiver; NULL: empty */
/* The receiver, before it waits: true when there is nothing; then the next push wakes it. To a busy receiver, one that has
 * popped since, a push needs no system call. */
bool queue_is_idle(struct queue *queue);
/* Between these two the thread's pushes wake nobody; the second one makes up for it. Who handles many messages in a row
 * wakes each receiver once for all of them, and not for each. */
void queue_hold(void);
void queue_release(void);
void queue_wake(const struct queue *queue);       /* any thread, any signal handler */
void queue_clear_wake(const struct queue *queue); /* the receiver, before it pops */

#endif
