#pragma once

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace dsfailover {

/// A file with a text in it, removed at the end of the test.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::string_view text) {
        const int file = mkstemp(path_.data());
        if (file < 0) throw std::runtime_error("no temporary file");
        close(file);
        std::ofstream(path_, std::ios::binary) << text;
    }
    ~TemporaryFile() { unlink(path_.c_str()); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_ = "/tmp/dsfailover-test-XXXXXX";
};

}  // namespace dsfailover
