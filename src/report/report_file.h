#pragma once

#include <functional>
#include <iosfwd>
#include <string>

namespace dsfailover {

/// The file of --output, which is replaced as a whole: who reads it finds the report before or this
/// one, never a part of one.
class ReportFile {
  public:
    /// Throws UsageError, which begins with `what` ("--output"), where `path` is anything but a
    /// file or a new name in a folder that can be written to. A symbolic link is not followed.
    /// Makes nothing.
    ReportFile(std::string path, const std::string& what);

    /// Replaces the file by what `print` writes: in a new file beside it, brought to the disk and
    /// then renamed. It has the mode and group of the file that it replaces, else the mode 0600.
    /// Throws Error(failed) naming the file, which is then as it was.
    void replace(const std::function<void(std::ostream&)>& print) const;

  private:
    std::string folder() const;

    std::string path_;
};

}  // namespace dsfailover
