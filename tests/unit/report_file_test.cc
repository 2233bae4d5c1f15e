#include "report/report_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>

#include "base/error.h"
#include "temporary_folder.h"

namespace dsfailover {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

class ReportFileTest : public testing::Test {
  protected:
    std::string path(const std::string& name) const { return folder_.path(name); }
    std::string refusal(const std::string& file) const {
        try {
            const ReportFile refused(file, "--output");
        } catch (const UsageError& error) {
            return error.what();
        }
        return "accepted";
    }
    static void replace(const std::string& file, const std::string& text) {
        ReportFile(file, "--output").replace([&](std::ostream& out) { out << text; });
    }
    static std::string content(const std::string& file) {
        std::ostringstream text;
        text << std::ifstream(file).rdbuf();
        return text.str();
    }
    static unsigned mode(const std::string& file) {
        return static_cast<unsigned>(fs::status(file).permissions());
    }
    std::ptrdiff_t files() const {
        return std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator());
    }

    const TemporaryFolder folder_;
};

TEST_F(ReportFileTest, IsReplacedAsAWholeAndForItsOwnerAlone) {
    replace(path("report"), "first");
    EXPECT_EQ(mode(path("report")), 0600U);
    fs::permissions(path("report"), fs::perms(0644));
    replace(path("report"), "2");
    EXPECT_EQ(content(path("report")), "2");
    EXPECT_EQ(mode(path("report")), 0644U);
    EXPECT_EQ(files(), 1);
}

TEST_F(ReportFileTest, WhatFailsLeavesTheFileAsItWas) {
    replace(path("report"), "first");
    const ReportFile file(path("report"), "--output");
    try {
        file.replace([](std::ostream& out) {
            out << "a part";
            out.setstate(std::ios::badbit);
        });
        FAIL() << "written";
    } catch (const Error& error) {
        EXPECT_EQ(error.exit_code(), ExitCode::failed);
        EXPECT_THAT(error.what(), HasSubstr(path("report")));
    }
    EXPECT_THROW(file.replace([](std::ostream&) { throw std::bad_alloc(); }), std::bad_alloc);
    EXPECT_EQ(content(path("report")), "first");
    EXPECT_EQ(files(), 1);
}

TEST_F(ReportFileTest, WhatIsNoFileIsRefused) {
    fs::create_symlink("elsewhere", path("link"));
    EXPECT_THAT(refusal(path("link")), HasSubstr("symbolic link"));
    EXPECT_THAT(refusal(folder_.path()), HasSubstr("is a folder"));
    EXPECT_THAT(refusal(path("")), HasSubstr("is a folder"));
    EXPECT_THAT(refusal(path("none/report")), HasSubstr(path("none")));
    EXPECT_THAT(refusal("/dev/null"), HasSubstr("not an ordinary file"));
    EXPECT_THAT(refusal(""), HasSubstr("name of a file"));
    replace(path("file"), "");
    EXPECT_THAT(refusal(path("file/report")), StartsWith("--output '" + path("file/report")));
    EXPECT_EQ(refusal("report"), "accepted");
    EXPECT_EQ(files(), 2) << "nothing is made";
}

}  // namespace
}  // namespace dsfailover
