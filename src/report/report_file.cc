#include "report/report_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/error.h"

namespace dsfailover {
namespace {

/// A file that goes with this, unless it was renamed.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::string pattern)
        : path_(std::move(pattern)), descriptor_(mkostemp(path_.data(), O_CLOEXEC)) {}
    ~TemporaryFile() {
        if (descriptor_ < 0) return;
        close(descriptor_);
        if (!renamed_) unlink(path_.c_str());
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    // Each says whether it could, and leaves errno.
    bool made() const { return descriptor_ >= 0; }
    bool write(const std::function<void(std::ostream&)>& print) const {
        std::ofstream out(path_);
        print(out);
        out.close();
        return !out.fail();
    }
    /// Where the group cannot be taken over it is nobody's but the owner's.
    bool take_mode_of(const std::string& path) const {
        struct stat old {};
        if (lstat(path.c_str(), &old) != 0 || !S_ISREG(old.st_mode)) return true;
        return fchown(descriptor_, static_cast<uid_t>(-1), old.st_gid) != 0 ||
               fchmod(descriptor_, old.st_mode & 0777) == 0;
    }
    bool rename_to(const std::string& path) {
        if (fsync(descriptor_) != 0) return false;
        renamed_ = std::rename(path_.c_str(), path.c_str()) == 0;
        return renamed_;
    }

  private:
    std::string path_;
    const int descriptor_;
    bool renamed_ = false;
};

/// So that the new name outlives a crash of the machine; that a file system cannot is no failure.
void bring_to_disk(const std::string& folder) {
    const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    fsync(descriptor);
    close(descriptor);
}

}  // namespace

ReportFile::ReportFile(std::string path, const std::string& what) : path_(std::move(path)) {
    const auto refuse = [&](const std::string& why) {
        throw UsageError(fmt::format("{} '{}': {}", what, path_, why));
    };
    if (path_.empty()) refuse("must be the name of a file");
    struct stat found {};
    if (lstat(path_.c_str(), &found) == 0) {
        if (S_ISLNK(found.st_mode)) refuse("is a symbolic link: name the file that it points to");
        if (S_ISDIR(found.st_mode)) refuse("is a folder: name a file in it");
        if (!S_ISREG(found.st_mode)) refuse("is not an ordinary file");
    } else if (errno != ENOENT) {
        refuse(std::strerror(errno));
    }
    if (stat(folder().c_str(), &found) != 0)
        refuse(fmt::format("folder {}: {}", folder(), std::strerror(errno)));
    if (faccessat(AT_FDCWD, folder().c_str(), W_OK | X_OK, AT_EACCESS) != 0)
        refuse(fmt::format("folder {} cannot be written to: {}", folder(), std::strerror(errno)));
}

std::string ReportFile::folder() const {
    const std::string parent = std::filesystem::path(path_).parent_path();
    return parent.empty() ? "." : parent;
}

void ReportFile::replace(const std::function<void(std::ostream&)>& print) const {
    TemporaryFile file(folder() + "/.dsfailover-XXXXXX");
    if (!file.made() || !file.write(print) || !file.take_mode_of(path_) || !file.rename_to(path_))
        throw Error(ExitCode::failed, fmt::format("the report could not be written to {}: {}",
                                                  path_, std::strerror(errno)));
    bring_to_disk(folder());
}

}  // namespace dsfailover
