// Writes what is made from the tables of commands and options, and from the descriptions of the
// report's fields: completions, manual pages, docs/options.md, the example of a configuration,
// docs/report.md and the report's schema. Called by scripts/generate-reference with the repository
// and the folder to write into, and by the test that compares the two.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "cli/completion.h"
#include "config_example.h"
#include "manual.h"
#include "option_list.h"
#include "report_list.h"
#include "report_schema.h"

namespace {

void write(const std::filesystem::path& file, const std::string& text) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out(file);
    out << text << std::flush;
    if (!out) throw std::runtime_error("cannot write " + file.string());
}

std::string read(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) throw std::runtime_error("cannot read " + file.string());
    return text.str();
}

void generate(const std::filesystem::path& repository, const std::filesystem::path& folder) {
    using namespace dsfailover;
    write(folder / "completions/dsfailover.bash", completion_script("bash"));
    write(folder / "completions/_dsfailover", completion_script("zsh"));
    write(folder / "completions/dsfailover.fish", completion_script("fish"));
    write(folder / "man/dsfailover.1", main_page(read(repository / "man/dsfailover.1.in")));
    for (const Command* command : all_commands())
        write(folder / "man" / page_name(*command), command_page(*command));
    write(folder / "man/dsfailover.conf.5",
          config_page(read(repository / "man/dsfailover.conf.5.in")));
    write(folder / "docs/options.md", option_list());
    const auto schema = report_schema();
    write(folder / "docs/report.schema.json", schema.dump(2) + '\n');
    write(folder / "docs/report.md", report_list(schema));
    write(folder / "packaging/config.yaml", config_example());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: generate_reference REPOSITORY FOLDER\n";
        return 2;
    }
    try {
        generate(argv[1], argv[2]);
    } catch (const std::exception& error) {
        std::cerr << "generate_reference: " << error.what() << '\n';
        return 1;
    }
}
