# What `cmake --install` installs where. Each module is a component, so that it can be a separate package.

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME program)
set(DSFAILOVER_ZSH_FOLDER ${CMAKE_INSTALL_DATADIR}/zsh/site-functions
  CACHE PATH "Where zsh looks for completions; Debian's zsh: share/zsh/vendor-completions")

install(TARGETS dsfailover)
foreach(module etcd mysql postgresql)
  install(TARGETS dsfailover_${module}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/dsfailover COMPONENT ${module})
endforeach()

file(GLOB COMMAND_PAGES CONFIGURE_DEPENDS man/*.1)
install(FILES ${COMMAND_PAGES} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES man/dsfailover.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)

install(FILES completions/dsfailover.bash RENAME dsfailover
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES completions/_dsfailover DESTINATION ${DSFAILOVER_ZSH_FOLDER})
install(FILES completions/dsfailover.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
# Packages name the license in their own way.
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT license)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES packaging/config.yaml packaging/systemd/passwords.conf
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# Files with the program's path are made at installation: only then is the prefix known.
install(CODE "set(PACKAGING ${CMAKE_CURRENT_LIST_DIR})
set(DOCDIR ${CMAKE_INSTALL_DOCDIR})")
install(SCRIPT packaging/install_jobs.cmake)
install(FILES packaging/systemd/dsfailover.sysusers RENAME dsfailover.conf DESTINATION lib/sysusers.d)

add_custom_target(uninstall COMMAND ${CMAKE_COMMAND} -P ${CMAKE_CURRENT_LIST_DIR}/uninstall.cmake)
