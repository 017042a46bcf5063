.PHONY: demo test
demo: ; @python3 dev.py demo $(ARGS)
test: ; @python3 dev.py test $(ARGS)
