/* origin.c: a server in a thread that answers with the bytes of an input.
 * SPDX-License-Identifier: MIT */
#include "origin.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MOST 4096
#define PATIENCE 2 /* seconds for one read or write; the client is in this process */

/* Parts */

static bool is_mark(const char *at, size_t left)
{
    return left >= 2 && at[0] == '%' && at[1] == '%';
}

static size_t find_mark(const struct input *input)
{
    for (size_t i = 0; i < input->left; i++)
        if ((i == 0 || input->at[i - 1] == '\n') && is_mark(input->at + i, input->left - i))
            return i;
    return input->left;
}

static size_t read_mark(struct input *input)
{
    char *line = input_line(input);
    unsigned long number = line ? strtoul(line + 2, NULL, 10) : 0;
    free(line);
    return number < ORIGIN_MOST ? number : ORIGIN_MOST;
}

static void cut(struct origin *origin, struct input input)
{
    origin->count = 0;
    while (input.left > 0 && origin->count < ORIGIN_PARTS) {
        struct part *part = &origin->parts[origin->count++];
        part->bytes = is_mark(input.at, input.left) ? read_mark(&input) : 0;
        part->text = (struct input){input.at, find_mark(&input)};
        input.at += part->text.left;
        input.left -= part->text.left;
    }
}

/* What parts say */

static bool contains(const struct input *text, const char *what)
{
    size_t length = strlen(what);
    for (size_t i = 0; i + length <= text->left; i++)
        if (strncasecmp(text->at + i, what, length) == 0)
            return true;
    return false;
}

/* After the first empty line, as a client sees it: a carriage return may begin one that isn't. 0: there is none. */
static size_t head_length(const struct input *text)
{
    for (size_t i = 0; i + 1 < text->left; i++) {
        if (text->at[i] != '\n')
            continue;
        if (text->at[i + 1] == '\n')
            return i + 2;
        if (text->at[i + 1] == '\r')
            return i + 2 < text->left && text->at[i + 2] == '\n' ? i + 3 : 0;
    }
    return 0;
}

bool origin_is_true(const struct origin *origin)
{
    for (size_t i = 0; i < origin->count; i++) {
        const struct input *text = &origin->parts[i].text;
        if (head_length(text) != text->left || contains(text, "transfer-encoding"))
            return false;
    }
    return true;
}

static bool is_visible(char c)
{
    return c > 0x20 && c < 0x7f && c != '"';
}

/* The hash of its one strong ETag; 0: it has none, or something is odd about it. */
static uint32_t version_of(const struct input *text)
{
    static const char name[] = "\nETag: \"";
    uint32_t version = 1;
    size_t at = 0, end;
    while (at < text->left && !contains(&(struct input){text->at, at}, name))
        at++;
    for (end = at; end < text->left && is_visible(text->at[end]); end++)
        version = version * 31 + (unsigned char) text->at[end];
    bool whole = end > at && end - at < 100 && end + 2 < text->left
                 && memcmp(text->at + end, "\"\r\n", 3) == 0;
    struct input rest = {text->at + end, text->left - end};
    return whole && !contains(&rest, "\netag") ? version * 2 + 1 : 0;
}

/* By default all parts tell the same resource. */
static void set_versions(struct origin *origin)
{
    bool versioned = true;
    for (size_t i = 0; i < origin->count; i++) {
        const struct input *text = &origin->parts[i].text;
        origin->parts[i].version = version_of(text);
        versioned = versioned && origin->parts[i].version && !contains(text, "last-modified")
                    && !contains(text, "\n ") && !contains(text, "\n\t");
    }
    for (size_t i = 0; i < origin->count && !versioned; i++)
        origin->parts[i].version = 0;
}

/* The resource */

unsigned char origin_byte(uint32_t version, size_t offset)
{
    return (unsigned char) (((offset + version) * 2654435761u) >> 16);
}

/* Where a range is announced the resource is told from there. */
static size_t first_offset(const char *head)
{
    const char *field = strcasestr(head, "\ncontent-range:");
    const char *status = strstr(head, " 206");
    unsigned long first = 0;
    if (!field || !status || status > strchr(head, '\n'))
        return 0;
    field += strcspn(field, "0123456789\n*") + 1;
    field += strcspn(field, "0123456789\n");
    sscanf(field, "%lu", &first);
    return first;
}

/* Answers */

static bool send_all(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        length -= (size_t) sent;
    }
    return true;
}

static void send_resource(int fd, const struct part *part, size_t offset)
{
    unsigned char bytes[16384];
    size_t length = part->bytes, size = sizeof bytes;
    for (bool open = true; open && length > 0; offset += size, length -= size) {
        size = length < size ? length : size;
        for (size_t i = 0; i < size; i++)
            bytes[i] = origin_byte(part->version, offset + i);
        open = send_all(fd, bytes, size);
    }
}

/* "$a" and "$b" become numbers; an owned string, its length without the NUL in `length`. */
static char *fill_in(const struct input *text, const char *request, size_t *length)
{
    unsigned long first = 0, last = 0;
    char number[2][24], *out = malloc(text->left * sizeof number[0] + 1);
    const char *range = strstr(request, "Range: bytes=");
    assert(out != NULL);
    if (range)
        sscanf(range, "Range: bytes=%lu-%lu", &first, &last);
    snprintf(number[0], sizeof number[0], "%lu", first);
    snprintf(number[1], sizeof number[1], "%lu", last);
    *length = 0;
    for (size_t i = 0; i < text->left; i++) {
        bool variable = text->at[i] == '$' && i + 1 < text->left
                        && (text->at[i + 1] == 'a' || text->at[i + 1] == 'b');
        const char *value = variable ? number[text->at[++i] - 'a'] : &text->at[i];
        size_t size = variable ? strlen(value) : 1;
        memcpy(out + *length, value, size);
        *length += size;
    }
    out[*length] = '\0';
    return out;
}

static bool read_request(int fd, char *out, size_t size)
{
    size_t used = 0;
    ssize_t got = 1;
    out[0] = '\0';
    while (got > 0 && used + 1 < size && !strstr(out, "\r\n\r\n")) {
        got = recv(fd, out + used, size - 1 - used, 0);
        used += got > 0 ? (size_t) got : 0;
        out[used] = '\0';
    }
    return got > 0;
}

static void serve(struct origin *origin, int fd)
{
    static const struct timeval patience = {.tv_sec = PATIENCE};
    char request[REQUEST_MOST];
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (read_request(fd, request, sizeof request) && origin->next < origin->count) {
        const struct part *part = &origin->parts[origin->next++];
        size_t length;
        char *text = fill_in(&part->text, request, &length);
        if (send_all(fd, text, length))
            send_resource(fd, part, first_offset(text));
        free(text);
    }
    close(fd);
}

static void *run(void *subject)
{
    struct origin *origin = subject;
    struct pollfd ready[] = {{.fd = origin->stop, .events = POLLIN},
                             {.fd = origin->listener, .events = POLLIN}};
    while (poll(ready, 2, -1) >= 0 && !(ready[0].revents & POLLIN)) {
        int fd = accept(origin->listener, NULL, NULL);
        if (fd >= 0)
            serve(origin, fd);
    }
    return NULL;
}

/* Life */

/* One for the whole process: a new one each time would use up the ports. */
static int listen_once(int *port)
{
    static int listener = -1, bound;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    if (listener < 0) {
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int result = bind(listener, (struct sockaddr *) &address, size) | listen(listener, 64)
                     | getsockname(listener, (struct sockaddr *) &address, &size);
        assert(result == 0);
        bound = ntohs(address.sin_port);
    }
    *port = bound;
    return listener;
}

void origin_open(struct origin *origin, struct input input)
{
    cut(origin, input);
    set_versions(origin);
    origin->next = 0;
    origin->listener = listen_once(&origin->port);
    origin->stop = eventfd(0, EFD_CLOEXEC);
    int result = pthread_create(&origin->thread, NULL, run, origin);
    assert(origin->stop >= 0 && result == 0);
}

void origin_close(struct origin *origin)
{
    static const uint64_t one = 1;
    ssize_t written = write(origin->stop, &one, sizeof one);
    assert(written == sizeof one);
    pthread_join(origin->thread, NULL);
    close(origin->stop);
}
