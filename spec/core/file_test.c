/* file_test.c: file.c on a real file system, and with system calls that fail; rows of the fault
 * catalogue by their ids.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* In the test itself it comes before the C library, as it does when preloaded. */
#include "../support/faultfs.c"
#include "file.h"

enum { MODIFIED = 1000000000, NOBODY = 65534 };

static char dir[64]; /* of the test, new for each */
static struct file file, other;
static int descriptors;

/* flock with what another process does just before it, or without any locks */

static void (*before_lock)(void);
static int lock_errnum;

int flock(int fd, int operation)
{
    errno = lock_errnum;
    if (before_lock)
        before_lock();
    return lock_errnum ? -1 : (int) syscall(SYS_flock, fd, operation);
}

/* around each test */

static int remove_entry(const char *path, const struct stat *found, int type, struct FTW *walk)
{
    (void) found, (void) type, (void) walk;
    return remove(path);
}

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static int setup(void **state)
{
    (void) state;
    descriptors = count_descriptors();
    file_init(&file);
    file_init(&other);
    snprintf(dir, sizeof dir, "/tmp/luadl-file-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void) state;
    faultfs_set(NULL);
    before_lock = NULL;
    lock_errnum = 0;
    file_close(&file, false);
    file_close(&other, false);
    (void) umount2(dir, MNT_DETACH); /* of the tests that mount there */
    int result = nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    return count_descriptors() == descriptors ? result : -1;
}

/* looking at the directory */

static const char *in_dir(const char *name)
{
    static char path[2][PATH_MAX];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static struct stat look(const char *name)
{
    struct stat found;
    assert_int_equal(lstat(in_dir(name), &found), 0);
    return found;
}

static void assert_absent(const char *name)
{
    assert_int_equal(access(in_dir(name), F_OK), -1);
    assert_int_equal(errno, ENOENT);
}

static void assert_size(const char *name, off_t size)
{
    assert_int_equal(look(name).st_size, size);
}

static void put(const char *name, const char *text)
{
    FILE *out = fopen(in_dir(name), "wx");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void assert_content(const char *name, const char *text)
{
    char found[256] = "";
    FILE *in = fopen(in_dir(name), "r");
    assert_non_null(in);
    found[fread(found, 1, sizeof found - 1, in)] = '\0';
    fclose(in);
    assert_string_equal(found, text);
}

static void resize(const char *name, off_t size)
{
    assert_int_equal(truncate(in_dir(name), size), 0);
}

/* the way of a file */

static void open_part(void)
{
    assert_int_equal(file_open(&file, dir, "name", false), 0);
}

static int write_text(const char *text)
{
    int errnum = 0;
    int result = file_write(&file, text, strlen(text), 0, &errnum);
    if (result != 0)
        file.errnum = errnum;
    return result;
}

static void finish_part(const char *text)
{
    open_part();
    assert_int_equal(write_text(text), 0);
    assert_int_equal(file_finish(&file, (int64_t) strlen(text), -1), 0);
}

static void assert_fails(int result, int kind, int errnum)
{
    assert_int_equal(result, -kind);
    assert_int_equal(file.errnum, errnum);
}

static void assert_published(const char *text)
{
    assert_content("name", text);
    assert_absent("name.part");
}

/* names and paths */

static void a_file_goes_from_part_to_name(void **state)
{
    (void) state;
    open_part();
    assert_string_equal(file.path, in_dir("name"));
    assert_int_equal(file_allocate(&file, 10), 0);
    int errnum = 0;
    assert_int_equal(file_write(&file, "56789", 5, 5, &errnum), 0);
    assert_int_equal(file_write(&file, "01234", 5, 0, &errnum), 0);
    file_hint(&file, 0, 10);
    assert_int_equal(file_finish(&file, 10, -1), 0);
    assert_int_equal(file_publish(&file, false), 0);
    assert_int_equal(file.errnum, 0);
    file_close(&file, true);
    assert_published("0123456789");
}

static void assert_path(const char *where, const char *path)
{
    assert_int_equal(file_open(&file, where, "name", false), 0);
    assert_string_equal(file.path, path);
    assert_size("name.part", 0);
    file_close(&file, true);
    assert_absent("name.part");
}

static void a_directory_is_relative_to_the_current_one_at_open(void **state)
{
    (void) state;
    char with_slash[80], path[80];
    snprintf(with_slash, sizeof with_slash, "%s/", dir);
    snprintf(path, sizeof path, "%s/name", dir);
    assert_path(with_slash, path);
    assert_int_equal(chdir(dir), 0);
    assert_path(NULL, "name");
    assert_path("", "name");
    assert_path(".", "./name");
    open_part();
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(file_finish(&file, 0, -1), 0);
    assert_int_equal(file_publish(&file, false), 0);
    assert_published("");
}

static void a_missing_directory_is_a_bad_name(void **state)
{
    (void) state;
    assert_fails(file_open(&file, in_dir("no"), "name", false), LDL_BAD_NAME, ENOENT);
    put("no", "");
    assert_fails(file_open(&file, in_dir("no"), "name", false), LDL_BAD_NAME, ENOTDIR);
}

static void a_name_is_one_component(void **state)
{
    (void) state;
    const char *const names[] = {"", ".", "..", "a/b", "/a", "../a"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_fails(file_open(&file, dir, names[i], true), LDL_BAD_NAME, 0);
}

static void n11_own_artefacts_are_bad_names(void **state)
{
    (void) state;
    assert_fails(file_open(&file, dir, "x.part", true), LDL_BAD_NAME, 0);
    assert_fails(file_open(&file, dir, "x.PART", true), LDL_BAD_NAME, 0);
    assert_fails(file_open(&file, dir, "x.part.lj", true), LDL_BAD_NAME, 0);
    assert_int_equal(file_open(&file, dir, "x.part1.rar", false), 0);
}

static void f8_a_name_without_room_for_its_suffix_is_bad(void **state)
{
    (void) state;
    int max = file_name_max(dir);
    char name[NAME_MAX + 1];
    assert_in_range(max, 100, NAME_MAX);
    memset(name, 'x', sizeof name);
    name[max - 4] = '\0';
    assert_fails(file_open(&file, dir, name, false), LDL_BAD_NAME, ENAMETOOLONG);
    name[max - 5] = '\0';
    assert_int_equal(file_open(&file, dir, name, false), 0);
    assert_int_equal(file_name_max(in_dir("no")), -LDL_BAD_NAME);
    assert_true(file_name_max(NULL) > 0);
}

/* what stands there already */

static void f9_a_directory_in_the_way_exists(void **state)
{
    (void) state;
    assert_int_equal(mkdir(in_dir("name"), 0700), 0);
    assert_fails(file_open(&file, dir, "name", false), LDL_EXISTS, EISDIR);
    assert_fails(file_open(&file, dir, "name", true), LDL_EXISTS, EISDIR);
    assert_absent("name.part");
}

static void f9_a_directory_that_comes_later_is_not_replaced(void **state)
{
    (void) state;
    finish_part("new");
    assert_int_equal(mkdir(in_dir("name"), 0700), 0);
    assert_fails(file_publish(&file, true), LDL_EXISTS, EISDIR);
    assert_fails(file_publish(&file, false), LDL_EXISTS, EEXIST);
    assert_content("name.part", "new");
}

static void f10_a_symlink_is_replaced_and_not_its_target(void **state)
{
    (void) state;
    put("precious", "old");
    assert_int_equal(symlink("precious", in_dir("name")), 0);
    assert_fails(file_open(&file, dir, "name", false), LDL_EXISTS, EEXIST);
    assert_int_equal(file_open(&file, dir, "name", true), 0);
    assert_int_equal(write_text("new"), 0);
    assert_int_equal(file_finish(&file, 3, -1), 0);
    assert_int_equal(file_publish(&file, true), 0);
    assert_true(S_ISREG(look("name").st_mode));
    assert_published("new");
    assert_content("precious", "old");
}

static void f10_a_dangling_symlink_exists(void **state)
{
    (void) state;
    assert_int_equal(symlink("nowhere", in_dir("name")), 0);
    assert_fails(file_open(&file, dir, "name", false), LDL_EXISTS, EEXIST);
    assert_absent("nowhere");
}

static void f11_a_fifo_is_not_a_target(void **state)
{
    (void) state;
    assert_int_equal(mkfifo(in_dir("name"), 0600), 0);
    assert_fails(file_open(&file, dir, "name", true), LDL_NOT_REGULAR, 0);
    assert_true(S_ISFIFO(look("name").st_mode));
}

static void f11_a_fifo_under_the_part_is_not_opened(void **state)
{
    (void) state;
    assert_int_equal(mkfifo(in_dir("name.part"), 0600), 0);
    assert_fails(file_open(&file, dir, "name", false), LDL_NOT_REGULAR, 0);
    assert_true(S_ISFIFO(look("name.part").st_mode));
}

static void f11_a_fifo_that_comes_later_is_not_replaced(void **state)
{
    (void) state;
    finish_part("new");
    assert_int_equal(mkfifo(in_dir("name"), 0600), 0);
    assert_fails(file_publish(&file, true), LDL_NOT_REGULAR, 0);
    assert_true(S_ISFIFO(look("name").st_mode));
    assert_content("name.part", "new");
}

static void f12_a_target_is_replaced_on_request_only(void **state)
{
    (void) state;
    put("name", "old");
    assert_fails(file_open(&file, dir, "name", false), LDL_EXISTS, EEXIST);
    assert_absent("name.part");
    assert_int_equal(file_open(&file, dir, "name", true), 0);
    assert_int_equal(write_text("new"), 0);
    assert_int_equal(file_finish(&file, 3, -1), 0);
    assert_content("name", "old");
    assert_int_equal(file_publish(&file, true), 0);
    assert_published("new");
}

static void f12_a_target_that_comes_later_is_kept(void **state)
{
    (void) state;
    finish_part("new");
    put("name", "theirs");
    assert_fails(file_publish(&file, false), LDL_EXISTS, EEXIST);
    assert_content("name", "theirs");
    assert_content("name.part", "new");
    assert_int_equal(unlink(in_dir("name")), 0);
    assert_int_equal(file_publish(&file, false), 0);
    assert_published("new");
}

/* On a file system that folds case, the kernel finds an entry where a lookup by bytes had none. */
static void f13_the_file_system_decides_whether_a_name_is_taken(void **state)
{
    (void) state;
    faultfs_set("openat:EEXIST:0:1");
    assert_fails(file_open(&file, dir, "name", false), LDL_LOCKED, 0);
    finish_part("new");
    faultfs_set("renameat2:EEXIST");
    assert_fails(file_publish(&file, false), LDL_EXISTS, EEXIST);
    assert_content("name.part", "new");
}

/* left-over parts */

static void f14_a_part_in_use_is_locked(void **state)
{
    (void) state;
    open_part();
    assert_int_equal(write_text("mine"), 0);
    assert_int_equal(file_open(&other, dir, "name", true), -LDL_LOCKED);
    assert_content("name.part", "mine");
    file_close(&file, false);
    assert_int_equal(file_open(&other, dir, "name", true), 0);
    assert_content("name.part", "mine");
}

static void publish_for_other(void)
{
    assert_int_equal(rename(in_dir("name.part"), in_dir("name")), 0);
}

static void f14_a_part_that_was_published_before_the_lock_is_not_touched(void **state)
{
    (void) state;
    put("name.part", "complete");
    before_lock = publish_for_other;
    assert_fails(file_open(&file, dir, "name", true), LDL_LOCKED, 0);
    assert_content("name", "complete");
    assert_absent("name.part");
}

static void begin_anew_for_other(void)
{
    assert_int_equal(unlink(in_dir("name.part")), 0);
    put("name.part", "theirs");
}

static void f14_a_part_that_was_made_anew_before_the_lock_is_not_touched(void **state)
{
    (void) state;
    before_lock = begin_anew_for_other;
    assert_fails(file_open(&file, dir, "name", true), LDL_LOCKED, 0);
    assert_content("name.part", "theirs");
}

static void f14_without_locks_only_a_new_part_is_used(void **state)
{
    (void) state;
    lock_errnum = ENOLCK;
    open_part();
    file_close(&file, false);
    assert_fails(file_open(&file, dir, "name", true), LDL_LOCKED, ENOLCK);
}

static void i4_a_left_over_is_opened_as_it_is(void **state)
{
    (void) state;
    put("name.part", "precious");
    open_part();
    assert_int_equal(file.found, strlen("precious"));
    assert_content("name.part", "precious");
}

static void a_new_part_was_not_found(void **state)
{
    (void) state;
    open_part();
    assert_int_equal(file.found, -1);
}

static void a_left_over_is_wiped_on_request(void **state)
{
    (void) state;
    put("name.part", "stale");
    assert_int_equal(chmod(in_dir("name.part"), 0666), 0);
    open_part();
    assert_int_equal(file_wipe(&file), 0);
    assert_size("name.part", 0);
    assert_int_equal(look("name.part").st_mode & 07777, 0600);
}

static void i4_a_left_over_with_another_name_is_kept(void **state)
{
    (void) state;
    put("precious", "data");
    assert_int_equal(link(in_dir("precious"), in_dir("name.part")), 0);
    assert_fails(file_open(&file, dir, "name", true), LDL_JOURNAL_CORRUPT, EEXIST);
    assert_content("precious", "data");
}

static void i4_a_left_over_of_another_user_is_kept(void **state)
{
    (void) state;
    put("name.part", "theirs");
    if (chown(in_dir("name.part"), geteuid() + 1, (gid_t) -1) != 0) {
        print_message("not root: no file of another user to be had\n");
        skip();
    }
    assert_fails(file_open(&file, dir, "name", true), LDL_JOURNAL_CORRUPT, EEXIST);
    assert_content("name.part", "theirs");
}

static void s8_a_symlink_under_the_part_is_never_followed(void **state)
{
    (void) state;
    put("precious", "data");
    assert_int_equal(symlink("precious", in_dir("name.part")), 0);
    assert_fails(file_open(&file, dir, "name", true), LDL_NOT_REGULAR, 0);
    assert_true(S_ISLNK(look("name.part").st_mode));
    assert_content("precious", "data");
    assert_int_equal(unlink(in_dir("precious")), 0);
    assert_fails(file_open(&file, dir, "name", true), LDL_NOT_REGULAR, 0);
    assert_absent("precious");
}

static void f15_a_part_that_was_deleted_is_not_published(void **state)
{
    (void) state;
    finish_part("new");
    assert_int_equal(unlink(in_dir("name.part")), 0);
    assert_fails(file_publish(&file, false), LDL_LOCAL_CHANGED, 0);
    assert_absent("name");
}

static void f15_a_part_of_somebody_else_is_neither_published_nor_removed(void **state)
{
    (void) state;
    finish_part("new");
    assert_int_equal(unlink(in_dir("name.part")), 0);
    put("name.part", "theirs");
    assert_fails(file_publish(&file, false), LDL_LOCAL_CHANGED, 0);
    file_close(&file, true);
    assert_absent("name");
    assert_content("name.part", "theirs");
}

static void f15_a_part_whose_size_changed_is_not_published(void **state)
{
    (void) state;
    finish_part("new");
    resize("name.part", 2);
    assert_fails(file_publish(&file, false), LDL_LOCAL_CHANGED, 0);
    assert_absent("name");
}

static void a_discarded_part_is_removed_and_a_kept_one_stays(void **state)
{
    (void) state;
    open_part();
    file_close(&file, false);
    assert_size("name.part", 0);
    open_part();
    file_close(&file, true);
    assert_absent("name.part");
}

/* room */

static void enter_small_disk(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0
        || mount("small", dir, "tmpfs", 0, "size=2m") != 0) {
        print_message("not root: no small disk to fill\n");
        skip();
    }
}

static void f1_a_disk_too_small_is_known_before_the_transfer(void **state)
{
    (void) state;
    enter_small_disk();
    open_part();
    assert_fails(file_allocate(&file, 4 << 20), LDL_NO_SPACE, ENOSPC);
    faultfs_set("fallocate:EOPNOTSUPP");
    assert_fails(file_allocate(&file, 4 << 20), LDL_NO_SPACE, ENOSPC);
    assert_int_equal(file_allocate(&file, 1 << 20), 0);
}

static void f1_an_unknown_size_needs_some_room(void **state)
{
    (void) state;
    static const char block[1 << 20];
    int result = 0, errnum = 0;
    enter_small_disk();
    open_part();
    assert_int_equal(file_allocate(&file, -1), 0);
    for (int64_t offset = 0; result == 0 && offset < 4 << 20; offset += sizeof block)
        result = file_write(&file, block, sizeof block, offset, &errnum);
    assert_int_equal(result, -LDL_NO_SPACE);
    assert_int_equal(errnum, ENOSPC);
    assert_fails(file_allocate(&file, -1), LDL_NO_SPACE, ENOSPC);
}

static void assert_falls_back(const char *fault)
{
    open_part();
    faultfs_set(fault);
    assert_int_equal(file_allocate(&file, 5 << 20), 0);
    faultfs_set(NULL);
    assert_size("name.part", 5 << 20);
    assert_int_equal(look("name.part").st_blocks, 0);
    file_close(&file, true);
}

static void f21_without_fallocate_the_file_is_sparse(void **state)
{
    (void) state;
    assert_falls_back("fallocate:EOPNOTSUPP");
    assert_falls_back("fallocate:EINVAL");
    assert_falls_back("fallocate:ENOSYS");
}

static void an_interrupted_fallocate_goes_on(void **state)
{
    (void) state;
    open_part();
    faultfs_set("fallocate:EINTR:0:3");
    assert_int_equal(file_allocate(&file, 8192), 0);
    assert_size("name.part", 8192);
    assert_true(look("name.part").st_blocks > 0);
}

static void f22_padding_is_cut_off(void **state)
{
    (void) state;
    open_part();
    resize("name.part", 8192);
    assert_int_equal(file_allocate(&file, 5000), 0);
    assert_size("name.part", 5000);
    resize("name.part", 8192);
    assert_int_equal(file_finish(&file, 5000, -1), 0);
    assert_size("name.part", 5000);
}

static void f22_padding_that_stays_is_an_error(void **state)
{
    (void) state;
    open_part();
    resize("name.part", 8192);
    faultfs_set("ftruncate:EIO");
    assert_fails(file_allocate(&file, 5000), LDL_IO, EIO);
    assert_fails(file_finish(&file, 5000, -1), LDL_IO, EIO);
    assert_fails(file_publish(&file, false), LDL_USAGE, 0);
}

static void f23_a_size_limit_is_too_large(void **state)
{
    (void) state;
    struct rlimit old, small;
    signal(SIGXFSZ, SIG_IGN);
    open_part();
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){4096, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int known = file_allocate(&file, 8192), errnum = 0;
    faultfs_set("fallocate:EOPNOTSUPP");
    int sparse = file_allocate(&file, 8192);
    int late = file_write(&file, "x", 1, 4096, &errnum);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(known, -LDL_TOO_LARGE);
    assert_int_equal(sparse, -LDL_TOO_LARGE);
    assert_int_equal(late, -LDL_TOO_LARGE);
}

static void f23_offsets_beyond_4_gib_are_written(void **state)
{
    (void) state;
    const int64_t total = ((int64_t) 5 << 30) + 1;
    int errnum = 0;
    open_part();
    assert_int_equal(file_write(&file, "x", 1, total - 1, &errnum), 0);
    assert_int_equal(file_finish(&file, total, -1), 0);
    assert_int_equal(file_publish(&file, false), 0);
    assert_size("name", total);
}

static void f24_an_empty_file_is_published(void **state)
{
    (void) state;
    open_part();
    assert_int_equal(file_allocate(&file, 0), 0);
    assert_int_equal(file_finish(&file, 0, -1), 0);
    assert_int_equal(file_publish(&file, false), 0);
    assert_published("");
}

static void f25_sizes_around_a_block_are_exact(void **state)
{
    (void) state;
    const int64_t sizes[] = {1, 4095, 4096, 4097};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(file_open(&file, dir, "name", true), 0);
        assert_int_equal(file_allocate(&file, sizes[i]), 0);
        assert_size("name.part", sizes[i]);
        assert_int_equal(file_finish(&file, sizes[i], -1), 0);
        assert_int_equal(file_publish(&file, true), 0);
        file_close(&file, false);
        assert_size("name", sizes[i]);
    }
}

/* disks that fail */

static void f3_a_quota_is_told_from_a_full_disk(void **state)
{
    (void) state;
    open_part();
    faultfs_set("pwrite:EDQUOT");
    assert_fails(write_text("text"), LDL_QUOTA, EDQUOT);
    faultfs_set("fallocate:EDQUOT");
    assert_fails(file_allocate(&file, 4096), LDL_QUOTA, EDQUOT);
}

static void f4_a_failing_write_is_an_error(void **state)
{
    (void) state;
    open_part();
    faultfs_set("pwrite:EIO");
    assert_fails(write_text("text"), LDL_IO, EIO);
    faultfs_set("pwrite:EINVAL");
    assert_fails(write_text("text"), LDL_IO, EINVAL);
}

static void f5_a_failing_sync_is_final(void **state)
{
    (void) state;
    open_part();
    assert_int_equal(write_text("text"), 0);
    faultfs_set("fsync:EIO:0:1");
    assert_fails(file_finish(&file, 4, -1), LDL_IO, EIO);
    assert_fails(file_finish(&file, 4, -1), LDL_IO, EIO);
    assert_fails(file_publish(&file, false), LDL_IO, EIO);
    assert_absent("name");
    assert_content("name.part", "text");
}

static void f5_a_sync_that_fails_after_a_good_one_is_final(void **state)
{
    (void) state;
    finish_part("text");
    faultfs_set("fsync:EIO:0:1");
    assert_fails(file_finish(&file, 4, -1), LDL_IO, EIO);
    assert_fails(file_publish(&file, false), LDL_IO, EIO);
    assert_absent("name");
}

static void f6_short_and_interrupted_writes_go_on(void **state)
{
    (void) state;
    open_part();
    faultfs_set("pwrite:EINTR:2:5,pwrite:SHORT");
    assert_int_equal(write_text("every byte arrives at its place"), 0);
    assert_content("name.part", "every byte arrives at its place");
}

static void f6_a_write_that_fails_half_way_is_an_error(void **state)
{
    (void) state;
    open_part();
    faultfs_set("pwrite:ENOSPC:1,pwrite:SHORT");
    assert_fails(write_text("abcd"), LDL_NO_SPACE, ENOSPC);
    assert_content("name.part", "ab");
}

static void f7_a_directory_without_permission_is_refused(void **state)
{
    (void) state;
    bool root = geteuid() == 0;
    assert_int_equal(chmod(dir, 0555), 0);
    assert_int_equal(root ? seteuid(NOBODY) : 0, 0);
    int result = file_open(&file, dir, "name", false);
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(dir, 0700), 0);
    assert_fails(result, LDL_PERMISSION, EACCES);
}

static void f7_a_read_only_file_system_is_named(void **state)
{
    (void) state;
    faultfs_set("openat:EROFS");
    assert_fails(file_open(&file, dir, "name", false), LDL_READ_ONLY, EROFS);
    faultfs_set("openat:EPERM");
    assert_fails(file_open(&file, dir, "name", false), LDL_PERMISSION, EPERM);
    faultfs_set("openat:EMFILE");
    assert_fails(file_open(&file, dir, "name", false), LDL_FD_LIMIT, EMFILE);
}

static void f27_a_late_quota_is_found_before_the_publish(void **state)
{
    (void) state;
    open_part();
    assert_int_equal(write_text("text"), 0);
    faultfs_set("fsync:EDQUOT");
    assert_fails(file_finish(&file, 4, -1), LDL_QUOTA, EDQUOT);
    assert_fails(file_publish(&file, false), LDL_IO, EIO);
    faultfs_set("close:EIO");
    file_close(&file, true);
    assert_absent("name");
    assert_absent("name.part");
}

static void f29_a_directory_that_moves_is_followed(void **state)
{
    (void) state;
    char moved[80];
    snprintf(moved, sizeof moved, "%s-moved", dir);
    finish_part("new");
    assert_int_equal(rename(dir, moved), 0);
    int result = file_publish(&file, false);
    assert_int_equal(rename(moved, dir), 0);
    assert_int_equal(result, 0);
    assert_published("new");
}

static void f29_a_failing_rename_keeps_the_part(void **state)
{
    (void) state;
    finish_part("new");
    faultfs_set("renameat2:EACCES");
    assert_fails(file_publish(&file, false), LDL_PERMISSION, EACCES);
    faultfs_set("renameat2:ESTALE");
    assert_fails(file_publish(&file, false), LDL_IO, ESTALE);
    faultfs_set("renameat:EIO");
    assert_fails(file_publish(&file, true), LDL_IO, EIO);
    file_close(&file, false);
    assert_absent("name");
    assert_content("name.part", "new");
}

static void a_directory_that_cannot_be_synced_is_only_worth_a_warning(void **state)
{
    (void) state;
    finish_part("new");
    int path_only = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(dup3(path_only, file.dirfd, O_CLOEXEC), file.dirfd);
    close(path_only);
    assert_int_equal(file_publish(&file, false), 0);
    assert_fails(file_sync_directory(&file), LDL_IO, EBADF);
    assert_published("new");
}

/* publishing without replacing, on file systems that can't */

static const char *const poor_renames[] = {
    "renameat2:ENOSYS",
    "renameat2:EINVAL",
    "renameat2:ENOSYS,linkat:EPERM",
    "renameat2:EINVAL,linkat:EOPNOTSUPP",
};

static void f26_publishes_without_renameat2(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof poor_renames / sizeof *poor_renames; i++) {
        finish_part("new");
        faultfs_set(poor_renames[i]);
        assert_int_equal(file_publish(&file, false), 0);
        faultfs_set(NULL);
        file_close(&file, true);
        assert_published("new");
        assert_int_equal(look("name").st_nlink, 1);
        assert_int_equal(unlink(in_dir("name")), 0);
    }
}

static void f26_replaces_nothing_without_renameat2(void **state)
{
    (void) state;
    finish_part("new");
    put("name", "theirs");
    for (size_t i = 0; i < sizeof poor_renames / sizeof *poor_renames; i++) {
        faultfs_set(poor_renames[i]);
        assert_fails(file_publish(&file, false), LDL_EXISTS, EEXIST);
        assert_content("name", "theirs");
        assert_content("name.part", "new");
    }
}

static void f26_a_placeholder_goes_when_the_rename_fails(void **state)
{
    (void) state;
    finish_part("new");
    faultfs_set("renameat2:ENOSYS,linkat:EPERM,renameat:EIO");
    assert_fails(file_publish(&file, false), LDL_IO, EIO);
    assert_absent("name");
    assert_content("name.part", "new");
}

/* times and modes */

static time_t stamped(int64_t modified)
{
    assert_int_equal(file_open(&file, dir, "name", true), 0);
    assert_int_equal(file_finish(&file, 0, modified), 0);
    assert_int_equal(file_publish(&file, true), 0);
    file_close(&file, false);
    return look("name").st_mtime;
}

static void f28_the_remote_time_is_kept(void **state)
{
    (void) state;
    assert_int_equal(stamped(MODIFIED), MODIFIED);
    assert_int_equal(stamped(0), 0);
    assert_true(look("name").st_atime > MODIFIED);
}

static void f28_insane_times_are_ignored(void **state)
{
    (void) state;
    time_t before = time(NULL) - 1;
    const int64_t insane[] = {-1, -MODIFIED, INT64_MIN, before + 2 * 86400, INT64_MAX};
    for (size_t i = 0; i < sizeof insane / sizeof *insane; i++)
        assert_in_range(stamped(insane[i]), before, time(NULL));
}

static void assert_mode(mode_t mask, mode_t mode)
{
    mode_t old = umask(mask);
    stamped(-1);
    umask(old);
    assert_int_equal(look("name").st_mode & 07777, mode);
}

static void f28_the_mode_follows_the_umask(void **state)
{
    (void) state;
    assert_mode(022, 0644);
    assert_mode(027, 0640);
    assert_mode(0, 0666);
    assert_mode(0177, 0600);
}

static void s9_a_part_is_private_until_it_is_complete(void **state)
{
    (void) state;
    mode_t old = umask(0);
    open_part();
    umask(old);
    assert_int_equal(look("name.part").st_mode & 07777, 0600);
    assert_int_equal(file_allocate(&file, 4), 0);
    assert_int_equal(write_text("text"), 0);
    assert_int_equal(look("name.part").st_mode & 07777, 0600);
}

static void i1_the_name_appears_at_the_publish(void **state)
{
    (void) state;
    open_part();
    assert_fails(file_publish(&file, false), LDL_USAGE, 0);
    assert_absent("name");
    assert_int_equal(file_allocate(&file, 4), 0);
    assert_int_equal(write_text("text"), 0);
    assert_absent("name");
    assert_int_equal(file_finish(&file, 4, -1), 0);
    assert_absent("name");
    assert_int_equal(file_publish(&file, false), 0);
    assert_published("text");
}

static void descriptors_are_closed_on_exec_and_at_the_end(void **state)
{
    (void) state;
    open_part();
    assert_int_equal(fcntl(file.fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(file.dirfd, F_GETFD), FD_CLOEXEC);
    file_close(&file, true);
    file_close(&file, true);
    assert_int_equal(count_descriptors(), descriptors);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_goes_from_part_to_name),
        TEST(a_directory_is_relative_to_the_current_one_at_open),
        TEST(a_missing_directory_is_a_bad_name),
        TEST(a_name_is_one_component),
        TEST(n11_own_artefacts_are_bad_names),
        TEST(f8_a_name_without_room_for_its_suffix_is_bad),
        TEST(f9_a_directory_in_the_way_exists),
        TEST(f9_a_directory_that_comes_later_is_not_replaced),
        TEST(f10_a_symlink_is_replaced_and_not_its_target),
        TEST(f10_a_dangling_symlink_exists),
        TEST(f11_a_fifo_is_not_a_target),
        TEST(f11_a_fifo_under_the_part_is_not_opened),
        TEST(f11_a_fifo_that_comes_later_is_not_replaced),
        TEST(f12_a_target_is_replaced_on_request_only),
        TEST(f12_a_target_that_comes_later_is_kept),
        TEST(f13_the_file_system_decides_whether_a_name_is_taken),
        TEST(f14_a_part_in_use_is_locked),
        TEST(f14_a_part_that_was_published_before_the_lock_is_not_touched),
        TEST(f14_a_part_that_was_made_anew_before_the_lock_is_not_touched),
        TEST(f14_without_locks_only_a_new_part_is_used),
        TEST(i4_a_left_over_is_opened_as_it_is),
        TEST(a_new_part_was_not_found),
        TEST(a_left_over_is_wiped_on_request),
        TEST(i4_a_left_over_with_another_name_is_kept),
        TEST(i4_a_left_over_of_another_user_is_kept),
        TEST(s8_a_symlink_under_the_part_is_never_followed),
        TEST(f15_a_part_that_was_deleted_is_not_published),
        TEST(f15_a_part_of_somebody_else_is_neither_published_nor_removed),
        TEST(f15_a_part_whose_size_changed_is_not_published),
        TEST(a_discarded_part_is_removed_and_a_kept_one_stays),
        TEST(f1_a_disk_too_small_is_known_before_the_transfer),
        TEST(f1_an_unknown_size_needs_some_room),
        TEST(f21_without_fallocate_the_file_is_sparse),
        TEST(an_interrupted_fallocate_goes_on),
        TEST(f22_padding_is_cut_off),
        TEST(f22_padding_that_stays_is_an_error),
        TEST(f23_a_size_limit_is_too_large),
        TEST(f23_offsets_beyond_4_gib_are_written),
        TEST(f24_an_empty_file_is_published),
        TEST(f25_sizes_around_a_block_are_exact),
        TEST(f3_a_quota_is_told_from_a_full_disk),
        TEST(f4_a_failing_write_is_an_error),
        TEST(f5_a_failing_sync_is_final),
        TEST(f5_a_sync_that_fails_after_a_good_one_is_final),
        TEST(f6_short_and_interrupted_writes_go_on),
        TEST(f6_a_write_that_fails_half_way_is_an_error),
        TEST(f7_a_directory_without_permission_is_refused),
        TEST(f7_a_read_only_file_system_is_named),
        TEST(f27_a_late_quota_is_found_before_the_publish),
        TEST(f29_a_directory_that_moves_is_followed),
        TEST(f29_a_failing_rename_keeps_the_part),
        TEST(a_directory_that_cannot_be_synced_is_only_worth_a_warning),
        TEST(f26_publishes_without_renameat2),
        TEST(f26_replaces_nothing_without_renameat2),
        TEST(f26_a_placeholder_goes_when_the_rename_fails),
        TEST(f28_the_remote_time_is_kept),
        TEST(f28_insane_times_are_ignored),
        TEST(f28_the_mode_follows_the_umask),
        TEST(s9_a_part_is_private_until_it_is_complete),
        TEST(i1_the_name_appears_at_the_publish),
        TEST(descriptors_are_closed_on_exec_and_at_the_end),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
