/* Files: settings that nobody ever sees half of, a journal that is cut, and
 * what is where. All of it in a directory of its own, which is gone at the end.
 */
#define _GNU_SOURCE
#include <millrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ = MR_FILE_READ, WRITE = MR_FILE_WRITE };

static const char text[] = "wheels = 2\n";

/* Written beside, and put in its place when the disk has all of it: who reads
 * meanwhile, or after a crash, sees the old one or the new one. */
static int64_t replace(const char *path)
{
    char beside[] = "settings.XXXXXX";
    mr_handle file = mr_file_temporary_named(beside);
    if (file < 0)
        return file;
    int64_t rc = mr_file_write(file, text, strlen(text), 0);
    if (rc >= 0)
        rc = mr_file_sync(file);
    mr_close(file);
    if (rc >= 0)
        rc = mr_rename(beside, path);
    if (rc < 0) {
        mr_unlink(beside);
        return rc;
    }
    mr_handle directory = mr_file_open(".", READ, 0);
    rc = directory < 0 ? directory : mr_file_sync(directory);
    if (directory >= 0)
        mr_close(directory);
    return rc;
}

/* The settings as they are, read into a file without a name: 0 if all came. */
static int64_t copy_is_same(const char *path)
{
    char buf[64];
    mr_file_info info;
    int64_t n = MR_EIO;
    mr_handle from = mr_file_open(path, READ, 0);
    mr_handle to = mr_file_temporary(".");
    if (from >= 0 && to >= 0 && mr_file_stat(from, &info) == 0)
        n = mr_file_read(from, buf, sizeof buf, 0);
    if (n == info.size)
        n = mr_file_write(to, buf, (size_t)n, 0);
    if (n > 0)
        n = mr_file_read(to, buf, sizeof buf, 0);
    if (from >= 0)
        mr_close(from);
    if (to >= 0)
        mr_close(to);
    if (n < 0)
        return n;
    return n == (int64_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0
               ? 0
               : MR_EIO;
}

/* Appended to by whoever likes, and cut when all of it has been seen to. */
static int64_t journal(const char *path)
{
    mr_file_info info;
    mr_handle file = mr_file_open(path, MR_FILE_APPEND | MR_FILE_CREATE, 0600);
    if (file < 0)
        return file;
    int64_t rc = 0;
    for (int i = 0; i < 3 && rc >= 0; i++)
        rc = mr_file_write(file, "turned\n", 7, 0);
    if (rc >= 0)
        rc = mr_file_sync_data(file);
    if (rc >= 0)
        rc = mr_stat(path, &info);
    if (rc >= 0 && info.size != 21)
        rc = MR_EIO;
    if (rc >= 0)
        rc = mr_file_truncate(file, 0);
    if (rc >= 0)
        rc = mr_file_stat(file, &info);
    mr_close(file);
    return rc < 0 ? rc : info.size == 0 ? 0 : MR_EIO;
}

/* A link is looked at, read and followed. */
static int64_t links(const char *target, const char *path)
{
    char to[64], whole[4096];
    mr_file_info link, end;
    int64_t rc = mr_symlink(target, path);
    if (rc == 0)
        rc = mr_lstat(path, &link);
    if (rc == 0)
        rc = mr_stat(path, &end);
    if (rc == 0)
        rc = mr_readlink(path, to, sizeof to);
    if (rc >= 0)
        rc = mr_realpath(path, whole, sizeof whole);
    if (rc < 0)
        return rc;
    return link.type == MR_TYPE_LINK && end.type == MR_TYPE_FILE &&
                   strcmp(to, target) == 0 && whole[0] == '/'
               ? 0
               : MR_EIO;
}

static int64_t root(void *arg)
{
    char *directory = arg;
    int64_t rc = mr_mkdir_temporary(directory);
    if (rc < 0)
        return rc;
    if (chdir(directory) < 0)
        rc = MR_EIO;
    if (rc == 0)
        rc = replace("settings");
    if (rc == 0)
        rc = copy_is_same("settings");
    if (rc == 0)
        rc = journal("journal");
    if (rc == 0)
        rc = links("settings", "link");
    mr_unlink("settings");
    mr_unlink("journal");
    mr_unlink("link");
    int removed = mr_rmdir(directory); /* MR_ENOTEMPTY if we forgot one */
    return rc < 0 ? rc : removed;
}

int main(void)
{
    char directory[] = "/tmp/files-XXXXXX";
    int64_t rc = mr_main(NULL, root, directory);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
        return EXIT_FAILURE;
    }
    printf("settings replaced, journal cut, nothing left behind\n");
    return EXIT_SUCCESS;
}
