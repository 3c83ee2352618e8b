/* queue.c: messages from many threads to one, and the descriptor that wakes it.
 * SPDX-License-Identifier: MIT */
#include "queue.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "code.h"

#define OWED_MOST 8

/* The receivers that this thread has still to wake. */
static _Thread_local struct {
    bool holding;
    int count;
    const struct queue *list[OWED_MOST];
} owed;

int queue_init(struct queue *queue)
{
    queue->head = NULL;
    queue->tail = &queue->head;
    queue->idle = true;
    queue->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->wake_fd < 0)
        return -code_of_errno(errno);
    pthread_mutex_init(&queue->lock, NULL);
    return 0;
}

void queue_destroy(struct queue *queue)
{
    if (queue->wake_fd < 0)
        return;
    close(queue->wake_fd);
    pthread_mutex_destroy(&queue->lock);
    queue->wake_fd = -1;
}

void queue_wake(const struct queue *queue)
{
    const uint64_t one = 1;
    int saved = errno;                                         /* a signal handler may call this */
    ssize_t ignored = write(queue->wake_fd, &one, sizeof one); /* full: it is awake already */
    (void) ignored;
    errno = saved;
}

void queue_clear_wake(const struct queue *queue)
{
    uint64_t count;
    ssize_t ignored = read(queue->wake_fd, &count, sizeof count); /* empty: nothing to clear */
    (void) ignored;
}

void queue_push(struct queue *queue, struct message *message)
{
    message->next = NULL;
    pthread_mutex_lock(&queue->lock);
    bool wake = queue->idle;
    queue->idle = false;
    *queue->tail = message;
    queue->tail = &message->next;
    pthread_mutex_unlock(&queue->lock);
    if (wake && owed.holding && owed.count < OWED_MOST)
        owed.list[owed.count++] = queue;
    else if (wake)
        queue_wake(queue);
}

void queue_hold(void)
{
    owed.holding = true;
}

void queue_release(void)
{
    owed.holding = false;
    while (owed.count > 0)
        queue_wake(owed.list[--owed.count]);
}

bool queue_is_idle(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    bool idle = queue->idle = queue->head == NULL;
    pthread_mutex_unlock(&queue->lock);
    return idle;
}

struct message *queue_pop(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    struct message *message = queue->head;
    queue->idle = false;
    if (message) {
        queue->head = message->next;
        if (!queue->head)
            queue->tail = &queue->head;
    }
    pthread_mutex_unlock(&queue->lock);
    return message;
}
